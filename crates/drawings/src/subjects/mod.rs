//! The subjects of the gallery, a file for each group.

mod animals;
mod flying;
mod food;
mod kitchen;
mod nature;
mod sky;
mod things;
mod toys;
mod travel;
mod water;

use std::sync::LazyLock;

use crate::subject::Subject;

static ALL: LazyLock<Vec<Subject>> = LazyLock::new(|| {
    let groups = [
        food::SUBJECTS,
        kitchen::SUBJECTS,
        animals::SUBJECTS,
        flying::SUBJECTS,
        water::SUBJECTS,
        nature::SUBJECTS,
        sky::SUBJECTS,
        travel::SUBJECTS,
        things::SUBJECTS,
        toys::SUBJECTS,
    ];
    groups.concat()
});

/// Returns every subject, in the order of the contact sheet.
pub fn subjects() -> &'static [Subject] {
    &ALL
}
