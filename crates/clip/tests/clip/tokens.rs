use clippy_clip::tokenizer::Tokenizer;
use serde::Deserialize;

use crate::fixtures;

#[derive(Deserialize)]
struct Case {
    text: String,
    context: usize,
    tokens: Vec<i64>,
}

#[test]
fn tokens_equal_those_of_open_clip() {
    let cases: Vec<Case> = serde_json::from_slice(&fixtures::read("tokens.json")).unwrap();
    assert!(cases.len() > 200);
    assert!(cases.iter().filter(|case| case.context == 32).count() > 20);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let tokens = Tokenizer::new(case.context).encode(&case.text);
            let difference = || {
                format!(
                    "{:?} at {}:\n  {tokens:?}\n  {:?}",
                    case.text, case.context, case.tokens
                )
            };
            (tokens != case.tokens).then(difference)
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} texts differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
