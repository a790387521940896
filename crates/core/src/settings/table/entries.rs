//! The rows of the table of settings.

use super::DefaultValue::{Described, Unset, Value};
use super::Group::{Collection, Generation, Jobs, Model, Server, Taste};
use super::{Setting, renamed, secret, setting};

/// All settings.
pub const SETTINGS: &[Setting] = &[
    setting(
        Collection,
        "DATA_DIR",
        Value("data"),
        "folder of everything that Clippy keeps: collection, databases, thumbnails, pulled \
         models. Only its owner can read it",
    ),
    setting(
        Collection,
        "QDRANT_URL",
        Unset,
        "a Qdrant server ([docs/qdrant.md](qdrant.md)), such as `http://localhost:6334`; 6333 \
         means the same. Unset means a collection in `DATA_DIR`",
    ),
    secret(Collection, "QDRANT_API_KEY", "the Qdrant server's key"),
    setting(
        Collection,
        "QDRANT_COLLECTION",
        Value("clippy"),
        "the collection's name. If it is unset, and a Qdrant server has no `clippy` but has \
         `safebooru_union_clip` (Clippy 0.2's default), that one is used",
    ),
    setting(
        Collection,
        "QDRANT_TIMEOUT_SECS",
        Value("5"),
        "the longest that reading from the Qdrant server may take",
    ),
    setting(
        Collection,
        "QDRANT_WRITE_TIMEOUT_SECS",
        Value("60"),
        "the longest that writing to it may take",
    ),
    setting(
        Collection,
        "QDRANT_SHARDS",
        Described("the server's"),
        "number of shards of a new collection",
    ),
    setting(
        Collection,
        "QDRANT_REPLICATION_FACTOR",
        Described("the server's"),
        "number of nodes that store each shard of a new collection",
    ),
    setting(
        Collection,
        "QDRANT_QUANTIZATION",
        Described("unchanged"),
        "`off`, `scalar` (a byte a value) or `binary` (a bit): how vectors are compressed for \
         finding candidates",
    ),
    setting(
        Collection,
        "QDRANT_ON_DISK",
        Described("the server's"),
        "whether a new collection's vectors and graphs are kept on the disk rather than in memory",
    ),
    setting(
        Collection,
        "IMAGES_ROOT",
        Unset,
        "folder that a manifest's relative paths are looked up under \
         ([docs/manifests.md](manifests.md)); a relative one is taken from the working folder. \
         When it is set, pictures are served from it and the recorded roots only",
    ),
    setting(
        Collection,
        "WATCH_FOLDERS",
        Unset,
        "folders whose pictures `clippy serve` and `clippy demo` add when they change, separated \
         by commas ([docs/library.md](library.md#watching))",
    ),
    setting(
        Collection,
        "HNSW_EF",
        Value("128"),
        "smallest size of the search beam in the graph (a search takes twice its candidates when \
         that is more, four times under a filter): more is slower and misses less",
    ),
    renamed(
        "MODEL_NAME",
        "OPENCLIP_MODEL",
        Described("the bundled model"),
        "open_clip's name of the architecture, such as `ViT-B-32`",
    ),
    renamed(
        "PRETRAINED",
        "OPENCLIP_PRETRAINED",
        Unset,
        "a known tag, a path to `.safetensors`, `local-dir:PATH` with `open_clip_config.json` and \
         `open_clip_model.safetensors`, or `hf-hub:ORG/REPO`, which `clippy models pull` downloads",
    ),
    renamed(
        "DEVICE",
        "OPENCLIP_DEVICE",
        Value("auto"),
        "`auto`, `cpu`, `cuda` or `cuda:N`",
    ),
    renamed(
        "PRECISION",
        "OPENCLIP_PRECISION",
        Described("the device's"),
        "`fp32`, `fp16` or `bf16`",
    ),
    setting(
        Model,
        "EMBED_BATCH",
        Described("16 on a CPU, 64 on a GPU and for models of small pictures"),
        "most pictures in one batch, 1 to 4096. If the device's memory is full, batches are halved \
         until they fit, and grow again later",
    ),
    setting(
        Model,
        "EMBEDDER_URL",
        Unset,
        "a worker that embeds for this process, such as `http://gpu-1:8010`: for API machines \
         without a GPU. Start it with `clippy worker --serve-embedder 0.0.0.0:8010`. If it has \
         `API_KEYS`, the first of this process's `API_KEYS` must be one of them",
    ),
    setting(
        Model,
        "STYLE_MODEL",
        Unset,
        "published style descriptors (CSD) that make the style vectors instead of the model: a \
         `.safetensors` file, or a folder with one. Set it where the model runs",
    ),
    setting(
        Model,
        "HF_ENDPOINT",
        Value("https://huggingface.co"),
        "the hub, or a mirror of it, that `clippy models pull` downloads from",
    ),
    setting(
        Model,
        "HF_HOME",
        Described("`~/.cache/huggingface`"),
        "folder of Hugging Face's tools. Models are kept in its folder `hub`, which Clippy shares \
         with Python",
    ),
    Setting {
        older: Some("HUGGINGFACE_HUB_CACHE"),
        ..setting(
            Model,
            "HF_HUB_CACHE",
            Described("`hub` in `HF_HOME`"),
            "folder of the models themselves",
        )
    },
    Setting {
        older: Some("HUGGING_FACE_HUB_TOKEN"),
        default: Described("the content of the file `HF_TOKEN_PATH`"),
        ..secret(
            Model,
            "HF_TOKEN",
            "a [token](https://huggingface.co/settings/tokens) for gated and private models. It \
             is sent to `HF_ENDPOINT` only",
        )
    },
    setting(
        Model,
        "HF_TOKEN_PATH",
        Described("`token` in `HF_HOME`"),
        "the file that the token is read from if `HF_TOKEN` is not set. `hf auth login` writes it",
    ),
    setting(
        Model,
        "HF_HUB_OFFLINE",
        Value("0"),
        "`1`: `clippy models pull` makes no connection, and says what is missing",
    ),
    setting(
        Taste,
        "ALPHA",
        Value("0.2"),
        "how much liked tags raise a score: it is multiplied by `1 + ALPHA × mean weight of its \
         tags`",
    ),
    setting(
        Taste,
        "PREF_TOP_N",
        Value("100"),
        "how many tags, and how many styles, are stored for each artist",
    ),
    setting(
        Taste,
        "EMA_BETA",
        Value("0.9"),
        "how much of a tag's weight stays after a click or save: `weight = clamp(EMA_BETA × \
         weight + delta, 0, 1)`",
    ),
    setting(
        Taste,
        "DELTA_CLICK",
        Value("0.05"),
        "the `delta` of a click",
    ),
    setting(Taste, "DELTA_SAVE", Value("0.1"), "the `delta` of a save"),
    setting(
        Server,
        "BIND",
        Value("127.0.0.1:8000"),
        "address or host name, and port",
    ),
    setting(
        Server,
        "ALLOWED_ORIGINS",
        Value("http://localhost:5173"),
        "origins of other web pages that may call the API, separated by commas; `*` for all",
    ),
    setting(
        Server,
        "ALLOWED_HOSTS",
        Unset,
        "further host names that a server without keys answers to, separated by commas, \
         besides those of loopback and of the address that it listens on",
    ),
    secret(
        Server,
        "API_KEYS",
        "if any key is set here or in `ADMIN_KEYS`, every call needs one: `Authorization: Bearer \
         KEY` or `X-Api-Key: KEY`. Separated by commas",
    ),
    secret(
        Server,
        "ADMIN_KEYS",
        "keys for `/api/admin`, separated by commas",
    ),
    setting(
        Server,
        "BASE_PATH",
        Unset,
        "the sub-path that a proxy serves this at, such as `/clippy`",
    ),
    setting(
        Server,
        "LOG_LEVEL",
        Value("info"),
        "`error`, `warn`, `info`, `debug`, `trace`, Python's names for them (`CRITICAL`, \
         `WARNING`, `NOTSET`), `off`, or a [tracing \
         filter](https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/struct.EnvFilter.html). Errors show whatever a filter names, unless it says `off`",
    ),
    setting(
        Server,
        "PROMPT_LOG_LEVEL",
        Unset,
        "`info` or `debug` writes every prompt that is sent to a provider into the log, as Clippy \
         0.2 did; `warning` and above, or unset, does not",
    ),
    secret(
        Jobs,
        "REDIS_URL",
        "a Redis server for the queue, such as `redis://:password@host:6379/0`, or `rediss://` \
         for TLS. Unset means the embedded queue, `jobs.db` in `DATA_DIR`. `clippy doctor` checks \
         how the server is set",
    ),
    setting(
        Jobs,
        "REDIS_PREFIX",
        Value("clippy"),
        "prefix of every key in Redis, so that several installations can share a server",
    ),
    setting(
        Jobs,
        "JOBS_KEEP_HOURS",
        Value("168"),
        "finished jobs and their events are dropped after this",
    ),
    setting(
        Jobs,
        "JOBS_KEEP_MOST",
        Value("20000"),
        "the most finished jobs that are kept; the oldest are dropped first",
    ),
    setting(
        Jobs,
        "FETCH_SITES",
        Value("https://safebooru.org"),
        "sites that jobs of kind `fetch` may call, with commas between them; the first is the \
         default. An address in a private network is called only if it is listed here",
    ),
    setting(
        Generation,
        "GENERATION_PROVIDER",
        Described("`local`; Vertex AI where Clippy 0.2's settings for it are complete"),
        "the provider that makes pictures when a request names none: `local`, `gemini`, `imagen`, \
         `comfyui` (or `sdxl`)",
    ),
    setting(
        Generation,
        "OUTPUTS_KEEP_DAYS",
        Described("for ever"),
        "after how many days generated pictures are deleted, with their files and uploads; \
         favourites stay",
    ),
    setting(
        Generation,
        "GENERATION_DAILY_BUDGET_USD",
        Unset,
        "US dollars that one key may spend per day (UTC). Set the prices below, since no provider \
         reports them",
    ),
    setting(
        Generation,
        "GEMINI_PRICE_USD",
        Unset,
        "price of one Gemini picture in US dollars, for estimates and the budget",
    ),
    setting(
        Generation,
        "GEMINI_VISION_PRICE_USD",
        Described("`GEMINI_PRICE_USD`"),
        "price of one description of a sketch in US dollars, for the budget",
    ),
    setting(
        Generation,
        "IMAGEN_PRICE_USD",
        Unset,
        "price of one Imagen picture in US dollars, for estimates and the budget",
    ),
    setting(
        Generation,
        "GENERATION_TIMEOUT_SECS",
        Value("180"),
        "the longest that one call to Google may take",
    ),
    setting(
        Generation,
        "GENERATION_WAIT_SECS",
        Value("1800"),
        "how long to wait for a provider that is unavailable or busy, with growing pauses",
    ),
    secret(Generation, "GEMINI_API_KEY", "the key of the Gemini API"),
    setting(
        Generation,
        "GEMINI_BASE_URL",
        Described("Google's"),
        "another address of the Gemini API",
    ),
    setting(
        Generation,
        "GEMINI_IMAGE_MODEL",
        Value("gemini-3.1-flash-image"),
        "the model that makes pictures",
    ),
    setting(
        Generation,
        "GEMINI_VISION_MODEL",
        Value("gemini-3.5-flash"),
        "the model that describes sketches; `off` turns descriptions off",
    ),
    setting(
        Generation,
        "GEMINI_IMAGE_SIZE",
        Value("1K"),
        "`512`, `1K`, `2K` or `4K`",
    ),
    setting(
        Generation,
        "GOOGLE_GENAI_USE_VERTEXAI",
        Described("true if there is a project and no key"),
        "Gemini through Vertex AI. `true` with a project makes it the default provider, as in \
         Clippy 0.2: Imagen where `IMAGEN_MODEL` is set, else Gemini",
    ),
    setting(
        Generation,
        "GOOGLE_CLOUD_PROJECT",
        Unset,
        "Vertex AI's project",
    ),
    setting(
        Generation,
        "GOOGLE_CLOUD_LOCATION",
        Described("`global` for Gemini, `us-central1` for Imagen"),
        "Vertex AI's location",
    ),
    setting(
        Generation,
        "GOOGLE_APPLICATION_CREDENTIALS",
        Described("the machine's default credentials"),
        "a service account's key file",
    ),
    setting(
        Generation,
        "VERTEX_BASE_URL",
        Described("derived from the location"),
        "another address of Vertex AI",
    ),
    setting(
        Generation,
        "IMAGEN_MODEL",
        Unset,
        "turns Imagen on, for projects that still have it: `imagen-3.0-capability-001`",
    ),
    setting(
        Generation,
        "IMAGEN_TEXT_MODEL",
        Value("imagen-3.0-generate-001"),
        "the Imagen model for requests without pictures",
    ),
    setting(
        Generation,
        "IMAGEN_AUTOSQUARE",
        Value("expand"),
        "`expand` pads an edit to a square and cuts the padding off again, `off` does not; 0.2's \
         `crop` means `expand`",
    ),
    setting(
        Generation,
        "IMAGEN_MAX_SIDE",
        Value("1024"),
        "longest side of a picture that is sent, in pixels",
    ),
    setting(
        Generation,
        "IMAGEN_STYLE_MAX",
        Value("3"),
        "the most style references of one picture",
    ),
    setting(
        Generation,
        "COMFYUI_URL",
        Unset,
        "a ComfyUI server, such as `http://127.0.0.1:8188`",
    ),
    setting(
        Generation,
        "COMFYUI_TIMEOUT_SECS",
        Value("900"),
        "the longest that ComfyUI may work on one picture; waiting in its queue does not count",
    ),
    setting(
        Generation,
        "COMFYUI_CHECKPOINT",
        Described("SDXL base"),
        "name of the checkpoint's file on that server",
    ),
    setting(
        Generation,
        "COMFYUI_CONTROLNET",
        Described("xinsir's scribble"),
        "name of the ControlNet's file on that server",
    ),
    setting(
        Generation,
        "COMFYUI_TEMPLATE",
        Described("the built-in graph"),
        "a file with a graph of your own",
    ),
];
