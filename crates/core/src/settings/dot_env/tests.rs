use super::*;

fn read(text: &str) -> DotEnv {
    parse(text.as_bytes(), |name| {
        (name == "SET").then(|| "given".to_owned())
    })
}

fn value(text: &str) -> String {
    let found = read(text);
    let [(name, value)] = found.variables.as_slice() else {
        panic!("{text:?}: {found:?}")
    };
    assert_eq!(name, "NAME", "{text:?}");
    value.clone()
}

/// What python-dotenv 1.1.1 answers for the same text.
#[test]
fn values_are_those_that_python_dotenv_reads() {
    for (text, expected) in [
        ("NAME=value", "value"),
        ("NAME=", ""),
        ("NAME=  ", ""),
        ("  NAME  =  value with spaces  ", "value with spaces"),
        ("export NAME=value", "value"),
        ("export\tNAME=value", "value"),
        ("'NAME'=value", "value"),
        ("NAME=$upersecret", "$upersecret"),
        ("NAME=ab$cd-ef", "ab$cd-ef"),
        ("NAME=a$$b$(c)", "a$$b$(c)"),
        ("NAME='ab$cd'", "ab$cd"),
        ("NAME=a${SET}b", "agivenb"),
        ("NAME='a${SET}b'", "agivenb"),
        ("NAME=a${UNSET}b", "ab"),
        ("NAME=${UNSET:-usual}", "usual"),
        ("NAME=${SET:-usual}", "given"),
        ("NAME=${UNSET:-a:b}", "a:b"),
        ("NAME=${A:B}", "${A:B}"),
        ("NAME=${unfinished", "${unfinished"),
        ("NAME=value # comment", "value"),
        ("NAME=value#no comment", "value#no comment"),
        ("NAME=a # b # c", "a"),
        ("NAME= # taken", "# taken"),
        ("NAME='a # b' # comment", "a # b"),
        ("NAME=\"a # b\"  # comment", "a # b"),
        (r#"NAME="a\nb\tc\\d\"e\'f\q""#, "a\nb\tc\\d\"e'f\\q"),
        (r"NAME='a\nb\\c\'d'", r"a\nb\c'd"),
        (r"NAME=C:\new\table", r"C:\new\table"),
        (r#"NAME="a\\""#, r"a\"),
        ("NAME=\"two\nlines\"", "two\nlines"),
        ("NAME='two\r\nlines'\r\n", "two\nlines"),
        ("NAME=\"\"", ""),
        ("NAME=it's", "it's"),
        ("NAME=a=b=c", "a=b=c"),
        ("\u{feff}NAME=value", "value"),
        ("NAME=größe", "größe"),
        ("NAME=first\nNAME=last", "last"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn a_bad_line_does_not_stop_the_others_and_no_complaint_quotes_a_line() {
    let text = "# a comment\n\nset -a\nif [ -f x ]; then hunter2\nAPI_KEYS=\"hunter2\nJUST_A_NAME\n=hunter2\n\
                MODEL_NAME=RN50\r\n\
                MIIhunter2==\nDEVICE='cpu' hunter2\nBIND=127.0.0.1:1\n";
    let found = read(text);
    let names: Vec<&str> = found
        .variables
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["MODEL_NAME", "MIIhunter2", "BIND"]);
    let lines: Vec<usize> = found
        .complaints
        .iter()
        .map(|complaint| complaint.line)
        .collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 10]);
    assert_eq!(found.complaints[2].variable.as_deref(), Some("API_KEYS"));
    assert_eq!(
        found.complaints[3].variable, None,
        "a line without = may be a secret as a whole"
    );
    for complaint in &found.complaints {
        assert!(!complaint.to_string().contains("hunter2"), "{complaint}");
    }
}

#[test]
fn a_secret_that_is_empty_because_of_a_reference_is_reported() {
    let found = read("API_KEYS=${unset}\nMODEL_NAME=a${unset}\nOTHER=${unset}\n");
    let faults: Vec<_> = found
        .complaints
        .iter()
        .map(|complaint| (complaint.line, complaint.fault))
        .collect();
    assert_eq!(
        faults,
        [
            (1, Fault::SecretLost),
            (2, Fault::UnknownReference),
            (3, Fault::UnknownReference)
        ],
        "{:?}",
        found.complaints
    );
}

#[test]
fn a_value_that_begins_with_a_hash_is_kept_and_reported() {
    let found = read("GOOGLE_APPLICATION_CREDENTIALS= #json key for service account\nOTHER=#fff\n");
    assert_eq!(found.variables[0].1, "#json key for service account");
    let faults: Vec<_> = found
        .complaints
        .iter()
        .map(|complaint| (complaint.line, complaint.fault))
        .collect();
    assert_eq!(
        faults,
        [(1, Fault::BeginsWithHash)],
        "a colour in another tool's setting is no mistake"
    );
}

#[test]
fn utf16_with_a_byte_order_mark_is_read_and_invalid_utf8_is_reported() {
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| {
        text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    let expected = [("NAME".to_owned(), "é".to_owned())];
    for file in [
        utf16("\u{feff}NAME=é\r\n", u16::to_le_bytes),
        utf16("\u{feff}NAME=é\r\n", u16::to_be_bytes),
    ] {
        assert_eq!(parse(&file, |_| None).variables, expected);
    }
    let latin = parse(b"API_KEYS=pa\xdfword\nNAME=\xc3\xa9\n", |_| None);
    assert_eq!(latin.variables, expected);
    assert_eq!(
        (latin.complaints[0].line, latin.complaints[0].fault),
        (1, Fault::Encoding)
    );
    let nul = parse(b"MODEL_NAME=a\0b\n", |_| None);
    assert!(
        nul.variables.is_empty() && nul.complaints[0].fault == Fault::Impossible,
        "{nul:?}"
    );
}
