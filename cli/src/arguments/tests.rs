use clap::CommandFactory;

use super::*;

#[test]
fn the_definition_is_valid() {
    Arguments::command().debug_assert();
}

#[test]
fn the_documented_command_lines_are_accepted() {
    for line in [
        "clippy demo --data-dir d --bind 127.0.0.1:0",
        "clippy serve --bind 127.0.0.1:8000",
        "clippy serve --bind localhost:8000",
        "clippy worker --serve-embedder [::1]:0",
        "clippy migrate --dry-run",
        "clippy ingest --manifest M.jsonl --images-root D --clip-batch 8 --upsert-batch 64 \
         --text-template x{tags} --no-text --start-line 3 --max-lines 5 --shard-index 0 \
         --shard-count 2 --dry-run --fail-log F --json",
        "clippy backfill --manifest M.jsonl --which both --force-all --ids-file F",
        "clippy search --text T --sketch F --image F --w-img .7 --w-edge .3 --w-txt .2 --tags a,b \
         --top 24 --exact --json",
        "clippy eval --queries Q.jsonl --exclude-style S --w-img 1 --json",
        "clippy eval --queries Q.jsonl --raw",
        "clippy eval --own --report F.html --json",
        "clippy eval --queries Q.jsonl --own --w-edge .5",
        "clippy calibrate --json",
        "clippy fetch safebooru --tags-file T --out D",
        "clippy fetch safebooru --tags-file T --out D --union --workers 2 --max-pages 3 --resume \
         --older-than-id 9 --max-id 8 --rate .5 --base-url http://127.0.0.1:1 --json",
        "clippy fetch safebooru --tags-file T --out D --enqueue --ingest",
        "clippy tag",
        "clippy tag --vocabulary F --at-least .8 --accept --text-template x{tags} --enqueue --json",
        "clippy serve --with-worker",
        "clippy worker --lanes interactive,bulk --concurrency 4",
        "clippy ingest --manifest M.jsonl --enqueue",
        "clippy backfill --manifest M.jsonl --which all --enqueue",
        "clippy reindex --model RN50 --pretrained openai --enqueue",
        "clippy reindex --rollback",
        "clippy reindex --drop-old",
        "clippy reindex --pretrained local-dir:/m --text-template x{tags} --allow-missing",
        "clippy jobs list --kind ingest --state queued --limit 3",
        "clippy jobs show ID --json",
        "clippy jobs cancel ID",
        "clippy jobs retry ID",
        "clippy jobs watch ID",
        "clippy queues list",
        "clippy queues pause bulk",
        "clippy queues resume bulk",
        "clippy models verify PATH",
        "clippy doctor --data-dir x",
        "clippy import data/kg_store.json --json",
    ] {
        if let Err(error) = Arguments::try_parse_from(line.split_whitespace()) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn incomplete_and_unknown_values_are_refused() {
    for line in [
        "clippy ingest --manifest M --shard-index 0",
        "clippy search --top 3",
        "clippy eval --report F.html",
        "clippy backfill --manifest M",
        "clippy queues pause slow",
        "clippy worker --lanes slow",
        "clippy worker --concurrency 0",
        "clippy jobs list --kind paint",
        "clippy serve --bind 8000",
        "clippy reindex --rollback --model RN50",
        "clippy reindex --drop-old --rollback",
        "clippy fetch safebooru --tags-file T --out D --ingest",
        "clippy fetch safebooru --tags-file T --out D --enqueue --resume",
    ] {
        let error = Arguments::try_parse_from(line.split_whitespace()).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        let given: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let said = one_line(&error, &given);
        let help = format!(
            "(see `clippy {} --help`)",
            line.split_whitespace().nth(1).expect("a command")
        );
        assert!(
            !said.contains('\n') && said.ends_with(&help) && !said.contains("Usage"),
            "{said}"
        );
    }
}
