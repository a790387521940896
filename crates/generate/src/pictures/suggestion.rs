//! Suggests references among the pictures that a search found: a few that fit the provider and each
//! other, each with a role and a reason.

use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};

use super::style_look::{clash, shows_colours};
use crate::contract::{
    Capabilities, GenerateRequest, MOST_REFERENCES, Provider, ReferenceInput, Role, Support,
    Treatment,
};

/// The number of references that are suggested by default: one subject and three styles.
const USUAL: usize = 4;
/// The subject is chosen among this many of the closest pictures.
const CLOSEST: usize = 8;
/// How much less close than the closest one a subject may be, as a fraction of the collection.
const NEARLY: f32 = 0.01;
/// Weight of a suggested subject beside a sketch.
const SUBJECT_WEIGHT: f32 = 0.8;
/// Weight of a suggested subject without a sketch: nothing else says what to show.
const ONLY_SUBJECT_WEIGHT: f32 = 1.0;
/// Weight of a suggested style.
const STYLE_WEIGHT: f32 = 0.6;

/// A picture that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPicture {
    /// The picture.
    pub id: PointId,
    /// The name of its style, if it has one.
    pub style: Option<String>,
    /// Those of its tags that the search's words mention.
    pub named_tags: Vec<String>,
    /// The fraction of the collection that the search ranks lower, 0 to 1.
    pub percentile: Option<f32>,
}

/// A picture to generate from.
#[derive(Debug, Clone, PartialEq)]
pub struct SuggestedReference {
    /// The picture.
    pub id: PointId,
    /// What it is for.
    pub role: Role,
    /// How much it should count.
    pub weight: f32,
    /// Why it was chosen, for a person.
    pub reason: String,
    /// What the provider would do with it.
    pub treatment: Treatment,
    /// Why it would not be honoured; empty if it would.
    pub note: String,
}

/// Options of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SuggestionOptions {
    /// The number of references; four by default.
    pub count: Option<usize>,
    /// Whether the request will have a sketch, which takes the place of a reference at some
    /// providers.
    pub with_sketch: bool,
}

/// Chooses references among pictures that a search found, best first.
///
/// The subject is a close picture whose colours can be seen in the result, where the provider takes
/// subjects. Each style is shown once, by the best picture that has it, and only if it does not
/// clash with those before it; pictures without a known style follow. A picture of a style that is
/// shown already, or clashes, is only suggested to reach a requested count, or if there is no other
/// style. The same pictures give the same references.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] for a count out of range; [`ErrorCode::Unsupported`] when the
/// provider takes no references, or fewer than asked for.
pub fn suggest(
    provider: &dyn Provider,
    found: &[FoundPicture],
    options: SuggestionOptions,
) -> Result<Vec<SuggestedReference>> {
    let capabilities = provider.capabilities();
    let name = &capabilities.provider;
    if let Some(count) = options
        .count
        .filter(|count| *count == 0 || *count > MOST_REFERENCES)
    {
        return Err(Error::invalid(format!(
            "references is {count}, but must be from 1 to {MOST_REFERENCES}"
        )));
    }
    let roles = Roles::of(&capabilities)?;
    let mut chosen: Vec<SuggestedReference> = Vec::new();
    let wanted = options.count.unwrap_or(USUAL);
    for Candidate {
        picture,
        role,
        reason,
        is_spare,
    } in ordered(found, roles)
    {
        let has_style = chosen.iter().any(|other| other.role == Role::Style);
        let is_needed = options.count.is_some() || !has_style;
        if chosen.len() == wanted || is_spare && !is_needed {
            break;
        }
        let weight = match role {
            Role::Subject if options.with_sketch => SUBJECT_WEIGHT,
            Role::Subject => ONLY_SUBJECT_WEIGHT,
            Role::Style => STYLE_WEIGHT,
        };
        let next = SuggestedReference {
            id: picture.id,
            role,
            weight,
            reason,
            treatment: Treatment::Honoured,
            note: String::new(),
        };
        match plan_next(provider, &chosen, next, options.with_sketch)? {
            Some(fits) => chosen.push(fits),
            None if options.count.is_some() || chosen.is_empty() => {
                let beside = if options.with_sketch {
                    " beside a sketch"
                } else {
                    ""
                };
                let message = format!(
                    "{name} takes at most {} references{beside}, but references is {wanted}: ask \
                     for fewer, or choose another provider",
                    chosen.len()
                );
                return Err(Error::new(ErrorCode::Unsupported, message));
            }
            None => break,
        }
    }
    Ok(chosen)
}

/// The roles that a provider takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Roles {
    style: bool,
    subject: bool,
}

impl Roles {
    fn of(capabilities: &Capabilities) -> Result<Self> {
        let style = capabilities.style_references != Support::No;
        let subject = capabilities.subject_references != Support::No;
        if capabilities.max_references == 0 || !(style || subject) {
            let message = format!(
                "{} takes no references: choose another provider",
                capabilities.provider
            );
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        Ok(Self { style, subject })
    }
}

/// A picture with the role that it would have.
struct Candidate<'a> {
    picture: &'a FoundPicture,
    role: Role,
    reason: String,
    /// Whether it is only used if there is nothing better.
    is_spare: bool,
}

/// The position of the picture that shows best what to draw: among the closest ones, one that has
/// most of the searched tags, and of these the first whose colours can be seen.
fn subject_among(found: &[FoundPicture]) -> Option<usize> {
    let first = found.first()?;
    let is_close = |picture: &FoundPicture| match (first.percentile, picture.percentile) {
        (Some(best), Some(own)) => own >= best - NEARLY,
        // Without percentiles, only the order is known.
        _ => picture.named_tags.len() >= first.named_tags.len() && !first.named_tags.is_empty(),
    };
    let value = |picture: &FoundPicture| {
        let in_colour = picture.style.as_deref().is_none_or(shows_colours);
        (picture.named_tags.len(), in_colour)
    };
    let mut best = 0;
    for (index, picture) in found.iter().enumerate().take(CLOSEST) {
        if is_close(picture) && value(picture) > value(&found[best]) {
            best = index;
        }
    }
    Some(best)
}

/// Orders all pictures by their usefulness, each with its role and the reason.
fn ordered(found: &[FoundPicture], roles: Roles) -> Vec<Candidate<'_>> {
    let mut ordered = Vec::with_capacity(found.len());
    let mut add = |picture, role, reason, is_spare| {
        ordered.push(Candidate {
            picture,
            role,
            reason,
            is_spare,
        });
    };
    let subject = subject_among(found).filter(|_| roles.subject);
    if let Some(index) = subject {
        let best = &found[index];
        let which = if index == 0 {
            "the closest of all that were found"
        } else {
            "the closest that shows its colours"
        };
        add(
            best,
            Role::Subject,
            format!("{which}{}", closeness(best)),
            false,
        );
    }
    let rest = found
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != subject)
        .map(|(_, picture)| picture);
    if !roles.style {
        for picture in rest {
            let reason = format!("another close one{}", closeness(picture));
            add(picture, Role::Subject, reason, false);
        }
        return ordered;
    }
    // The subject shows its own style already, so other styles add more.
    let mut shown: Vec<&str> = subject
        .and_then(|index| found[index].style.as_deref())
        .into_iter()
        .collect();
    let (mut unknown, mut again, mut clashing) = (Vec::new(), Vec::new(), Vec::new());
    let mut styles: Vec<&str> = Vec::new();
    for picture in rest {
        let Some(style) = picture.style.as_deref() else {
            unknown.push(picture);
            continue;
        };
        if shown.contains(&style) {
            again.push(picture);
        } else if let Some(other) = styles.iter().find(|other| clash(style, other)) {
            clashing.push((picture, style, *other));
        } else {
            shown.push(style);
            styles.push(style);
            let reason = format!("the closest in the style {style}{}", closeness(picture));
            add(picture, Role::Style, reason, false);
        }
    }
    for picture in unknown {
        let close = closeness(picture);
        let reason = format!("the next closest, without a known style{close}");
        add(picture, Role::Style, reason, false);
    }
    for picture in again {
        let style = picture.style.as_deref().unwrap_or_default();
        let reason = format!("one more in the style {style}{}", closeness(picture));
        add(picture, Role::Style, reason, true);
    }
    for (picture, style, other) in clashing {
        let close = closeness(picture);
        let reason = format!("in the style {style}, which does not go well with {other}{close}");
        add(picture, Role::Style, reason, true);
    }
    ordered
}

/// How close a picture is, as the end of a sentence.
fn closeness(picture: &FoundPicture) -> String {
    let mut text = String::new();
    if let Some(percentile) = picture.percentile {
        // Rounded down, and 99.9 % at most: the percentile is estimated from a sample, which does
        // not resolve the last thousandth.
        let share = ((f64::from(percentile) * 1_000.0).floor() / 10.0).min(99.9);
        text.push_str(&format!(", closer than {share} % of the collection"));
    }
    if !picture.named_tags.is_empty() {
        text.push_str(&format!("; it is tagged {}", picture.named_tags.join(", ")));
    }
    text
}

/// Returns the reference with the treatment that the provider plans for it after those before;
/// `None` when it, or one of those, would be dropped.
fn plan_next(
    provider: &dyn Provider,
    before: &[SuggestedReference],
    next: SuggestedReference,
    with_sketch: bool,
) -> Result<Option<SuggestedReference>> {
    let refs = before
        .iter()
        .chain([&next])
        .map(|reference| ReferenceInput {
            role: reference.role.as_str().to_owned(),
            weight: Some(reference.weight),
            id: Some(reference.id),
            ..ReferenceInput::default()
        });
    let refs: Vec<ReferenceInput> = refs.collect();
    let last = refs.len() - 1;
    // Only the presence of a sketch matters here, not its content.
    let sketch = with_sketch.then(|| "sketch".to_owned());
    let receipt = provider.plan(&GenerateRequest {
        refs,
        sketch,
        ..GenerateRequest::default()
    })?;
    let dropped = receipt
        .lines
        .iter()
        .any(|line| line.input.starts_with("refs[") && line.treatment == Treatment::Dropped);
    Ok(match receipt.line(&format!("refs[{last}]")) {
        Some(line) if !dropped => Some(SuggestedReference {
            treatment: line.treatment,
            note: line.reason.clone(),
            ..next
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::contract::{GenerateError, Generated, Generation, GenerationContext, Receipt, plan};

    struct Limited(Capabilities);

    #[async_trait]
    impl Provider for Limited {
        fn capabilities(&self) -> Capabilities {
            self.0.clone()
        }

        /// A sketch takes the place of one reference, as with Imagen.
        fn plan(&self, request: &GenerateRequest) -> Result<Receipt> {
            let mut capabilities = self.capabilities();
            capabilities.max_references -= usize::from(request.sketch.is_some());
            plan(request, &capabilities)
        }

        async fn generate(
            &self,
            _generation: Arc<Generation>,
            _receipt: Receipt,
            _context: &GenerationContext,
        ) -> std::result::Result<Generated, GenerateError> {
            Err(GenerateError::cancelled())
        }
    }

    fn provider(change: impl FnOnce(&mut Capabilities)) -> Limited {
        let mut capabilities = Capabilities::everything("testing");
        change(&mut capabilities);
        Limited(capabilities)
    }

    fn found() -> Vec<FoundPicture> {
        let styles = [
            Some("ink"),
            Some("ink"),
            Some("oil"),
            None,
            Some("oil"),
            Some("neon"),
            Some("ink"),
        ];
        (0..)
            .zip(styles)
            .map(|(number, style)| FoundPicture {
                id: PointId::Number(number),
                style: style.map(str::to_owned),
                named_tags: if number == 0 {
                    vec!["apple".to_owned()]
                } else {
                    Vec::new()
                },
                percentile: Some(0.99999 - number as f32 / 100.0),
            })
            .collect()
    }

    fn roles(suggested: &[SuggestedReference]) -> Vec<(PointId, Role)> {
        suggested
            .iter()
            .map(|reference| (reference.id, reference.role))
            .collect()
    }

    fn asked(count: usize) -> SuggestionOptions {
        SuggestionOptions {
            count: Some(count),
            with_sketch: false,
        }
    }

    #[test]
    fn the_subject_comes_first_then_every_style_once_then_the_rest() {
        let all = provider(|_| {});
        let suggested = suggest(&all, &found(), asked(7)).expect("suggested");
        let expected = [0, 2, 5, 3, 1, 4, 6].map(PointId::Number);
        assert_eq!(
            suggested
                .iter()
                .map(|reference| reference.id)
                .collect::<Vec<_>>(),
            expected
        );
        assert_eq!(suggested[0].role, Role::Subject);
        assert!(
            suggested[1..]
                .iter()
                .all(|reference| reference.role == Role::Style)
        );
        assert_eq!(
            suggested[0].reason,
            "the closest of all that were found, closer than 99.9 % of the collection; it is \
             tagged apple"
        );
        assert!(
            suggested[1]
                .reason
                .starts_with("the closest in the style oil"),
            "{}",
            suggested[1].reason
        );
        assert!(
            suggested[4].reason.starts_with("one more in the style ink"),
            "{}",
            suggested[4].reason
        );
        assert_eq!(suggest(&all, &found(), asked(7)).expect("again"), suggested);
        assert_eq!(
            suggest(&all, &found(), SuggestionOptions::default())
                .expect("as usual")
                .len(),
            USUAL
        );
        assert_eq!(
            suggest(&all, &found()[..2], asked(5))
                .expect("all there are")
                .len(),
            2
        );
        assert_eq!(
            suggest(&all, &[], SuggestionOptions::default()).expect("nothing found"),
            []
        );
        let sure = FoundPicture {
            percentile: Some(1.0),
            ..found()[2].clone()
        };
        let suggested = suggest(&all, &[sure], SuggestionOptions::default()).expect("suggested");
        assert_eq!(
            suggested[0].reason,
            "the closest of all that were found, closer than 99.9 % of the collection"
        );
    }

    fn styled(styles: &[&str]) -> Vec<FoundPicture> {
        (0..)
            .zip(styles)
            .map(|(number, style)| FoundPicture {
                id: PointId::Number(number),
                style: Some((*style).to_owned()),
                named_tags: vec!["cat".to_owned()],
                percentile: None,
            })
            .collect()
    }

    fn ids(suggested: &[SuggestedReference]) -> Vec<PointId> {
        suggested.iter().map(|reference| reference.id).collect()
    }

    #[test]
    fn the_subject_shows_its_colours_if_one_as_close_does() {
        let all = provider(|_| {});
        let usual = SuggestionOptions::default();
        let mut found = styled(&["line_art", "neon_lights", "cel_shading", "soft_shading"]);
        let suggested = suggest(&all, &found, usual).expect("suggested");
        assert_eq!(suggested[0].id, PointId::Number(2));
        assert!(
            suggested[0]
                .reason
                .starts_with("the closest that shows its colours"),
            "{}",
            suggested[0].reason
        );
        // One that is clearly less close, or shows something else, is not taken for its colours.
        for (picture, percentile) in found.iter_mut().zip([0.99, 0.9, 0.9, 0.9]) {
            picture.percentile = Some(percentile);
        }
        let suggested = suggest(&all, &found, usual).expect("suggested");
        assert_eq!(suggested[0].id, PointId::Number(0));
        for picture in &mut found {
            picture.percentile = None;
        }
        found[2].named_tags.clear();
        found[3].named_tags.clear();
        let suggested = suggest(&all, &found, usual).expect("suggested");
        assert_eq!(suggested[0].id, PointId::Number(0));
    }

    #[test]
    fn styles_that_clash_and_a_style_twice_are_only_suggested_to_reach_a_count() {
        let all = provider(|_| {});
        let found = styled(&[
            "cel_shading",
            "impressionism",
            "pixel_art",
            "impressionism",
            "neon_lights",
            "soft_shading",
        ]);
        let usual = suggest(&all, &found, SuggestionOptions::default()).expect("suggested");
        assert_eq!(ids(&usual), [0, 1, 5].map(PointId::Number));
        let six = suggest(&all, &found, asked(6)).expect("suggested");
        assert_eq!(ids(&six), [0, 1, 5, 3, 2, 4].map(PointId::Number));
        assert!(
            six[4]
                .reason
                .contains("does not go well with impressionism"),
            "{}",
            six[4].reason
        );
        // With one style in the whole gallery, it is shown as a style, too.
        let one = suggest(&all, &styled(&["ink"; 5]), SuggestionOptions::default());
        assert_eq!(ids(&one.expect("suggested")), [0, 1].map(PointId::Number));
    }

    #[test]
    fn only_roles_that_the_provider_takes_are_suggested() {
        let styles = provider(|capabilities| capabilities.subject_references = Support::No);
        let suggested = suggest(&styles, &found(), asked(3)).expect("suggested");
        assert_eq!(
            roles(&suggested),
            [0, 2, 5].map(|id| (PointId::Number(id), Role::Style))
        );
        let subjects = provider(|capabilities| capabilities.style_references = Support::No);
        let suggested = suggest(&subjects, &found(), asked(3)).expect("suggested");
        assert_eq!(
            roles(&suggested),
            [0, 1, 2].map(|id| (PointId::Number(id), Role::Subject))
        );
        let hints = provider(|capabilities| {
            capabilities.style_references = Support::Approximate;
            capabilities.reference_note = "described in words".to_owned();
        });
        let suggested = suggest(&hints, &found(), asked(2)).expect("suggested");
        assert_eq!(
            (suggested[0].treatment, suggested[1].treatment),
            (Treatment::Honoured, Treatment::Approximated)
        );
        assert_eq!(suggested[1].note, "described in words");
    }

    #[test]
    fn references_that_do_not_fit_are_refused_if_requested_and_left_out_otherwise() {
        let few = provider(|capabilities| capabilities.max_references = 3);
        assert_eq!(
            suggest(&few, &found(), SuggestionOptions::default())
                .expect("fits")
                .len(),
            3
        );
        let sketch = SuggestionOptions {
            count: None,
            with_sketch: true,
        };
        assert_eq!(suggest(&few, &found(), sketch).expect("fits").len(), 2);
        let error = suggest(
            &few,
            &found(),
            SuggestionOptions {
                count: Some(3),
                with_sketch: true,
            },
        )
        .expect_err("too many");
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert!(
            error
                .message
                .contains("at most 2 references beside a sketch"),
            "{}",
            error.message
        );
        for none in [
            provider(|capabilities| capabilities.max_references = 0),
            provider(|capabilities| {
                capabilities.style_references = Support::No;
                capabilities.subject_references = Support::No;
            }),
        ] {
            let error =
                suggest(&none, &found(), SuggestionOptions::default()).expect_err("takes none");
            assert!(
                error.code == ErrorCode::Unsupported
                    && error.message.contains("takes no references")
            );
        }
        for count in [0, MOST_REFERENCES + 1] {
            assert_eq!(
                suggest(&few, &found(), asked(count))
                    .expect_err("out of range")
                    .code,
                ErrorCode::InvalidInput
            );
        }
    }
}
