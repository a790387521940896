//! Which device a model runs on, and in which precision.

use std::path::PathBuf;
use std::str::FromStr;

use tch::{Cuda, Device, Kind};

use crate::error::{ClipError, Result};

/// The setting `DEVICE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A CUDA device where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of this index.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = ClipError;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim().to_lowercase();
        match text.as_str() {
            "" | "auto" => return Ok(Self::Auto),
            "cpu" => return Ok(Self::Cpu),
            "cuda" => return Ok(Self::Cuda(0)),
            _ => {}
        }
        text.strip_prefix("cuda:")
            .and_then(|index| index.parse().ok())
            .map(Self::Cuda)
            .ok_or_else(|| {
                ClipError::Device(format!(
                    "DEVICE is `{text}`; it may be auto, cpu, cuda or cuda:N"
                ))
            })
    }
}

impl DeviceChoice {
    /// Returns the device to run on. CUDA's libraries are loaded only if the choice may need them.
    ///
    /// # Errors
    /// [`ClipError::Device`] with what is missing, when a requested CUDA device is not available.
    pub fn resolve(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => match load_cuda() {
                Ok(()) if Cuda::is_available() => Ok(Device::Cuda(0)),
                Ok(()) => Ok(Device::Cpu),
                Err(reason) => {
                    tracing::debug!(reason, "no CUDA; the model runs on the CPU");
                    Ok(Device::Cpu)
                }
            },
            Self::Cuda(index) => {
                load_cuda().map_err(|reason| {
                    ClipError::Device(format!(
                        "DEVICE is cuda:{index}, but libtorch's CUDA part cannot be loaded \
                         ({reason}). Install a libtorch built with CUDA (pip install \
                         torch==2.11.0) and build Clippy against it, or set DEVICE=cpu"
                    ))
                })?;
                let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
                if !Cuda::is_available() || index >= count {
                    return Err(ClipError::Device(format!(
                        "DEVICE is cuda:{index}, but {count} CUDA devices can be used: check the \
                         driver (nvidia-smi) and CUDA_VISIBLE_DEVICES, or set DEVICE=cpu"
                    )));
                }
                Ok(Device::Cuda(index))
            }
        }
    }
}

/// Loads `libtorch_cuda.so` into the process, once. The linker leaves it out, since nothing here
/// calls into it by name; its static initialisers are what registers CUDA with libtorch.
fn load_cuda() -> Result<(), String> {
    static LOADED: std::sync::OnceLock<Result<(), String>> = std::sync::OnceLock::new();
    LOADED.get_or_init(open_cuda_library).clone()
}

#[cfg(target_os = "linux")]
fn open_cuda_library() -> Result<(), String> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

    const NAME: &str = "libtorch_cuda.so";
    // Beside the libtorch that is loaded already, and then wherever the loader looks.
    let candidates = loaded_libtorch()
        .map(|folder| folder.join(NAME))
        .into_iter()
        .chain([PathBuf::from(NAME)]);
    let mut reason = String::new();
    for candidate in candidates {
        // SAFETY: the library's initialisers register operators with the libtorch that is loaded
        // already, of the same build; nothing else of them runs.
        match unsafe { Library::open(Some(&candidate), RTLD_NOW | RTLD_GLOBAL) } {
            Ok(library) => {
                // Never unloaded: libtorch keeps pointers into it.
                std::mem::forget(library);
                return Ok(());
            }
            Err(error) => reason = error.to_string(),
        }
    }
    Err(reason)
}

/// Returns the folder that this process's libtorch was loaded from, as the kernel lists it.
#[cfg(target_os = "linux")]
fn loaded_libtorch() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let library = maps.lines().find_map(|line| {
        line.find('/')
            .map(|start| &line[start..])
            .filter(|path| path.ends_with("/libtorch_cpu.so"))
    })?;
    PathBuf::from(library).parent().map(PathBuf::from)
}

#[cfg(not(target_os = "linux"))]
fn open_cuda_library() -> Result<(), String> {
    Err("this system has no libtorch with CUDA".to_owned())
}

/// The precision of weights and activations. Embeddings are always fp32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point with 10 bits of fraction: for GPUs.
    Fp16,
    /// 16-bit floating point with the range of fp32 and 7 bits of fraction: for GPUs, and for CPUs
    /// with instructions for it.
    Bf16,
}

impl Precision {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Fp32 => Kind::Float,
            Self::Fp16 => Kind::Half,
            Self::Bf16 => Kind::BFloat16,
        }
    }

    /// Returns the fastest precision on a device that does not change embeddings noticeably.
    #[must_use]
    pub fn default_for(device: Device) -> Self {
        match device {
            Device::Cpu if cpu_multiplies_bf16() => Self::Bf16,
            Device::Cuda(_) => Self::Fp16,
            _ => Self::Fp32,
        }
    }
}

/// Parses the setting `PRECISION`: `None` means the default of the device
/// ([`Precision::default_for`]).
///
/// # Errors
/// [`ClipError::Device`] names the valid values. open_clip's `pure_` forms mean the same here.
pub fn parse_precision(text: &str) -> Result<Option<Precision>> {
    match text.trim().to_lowercase().as_str() {
        "" | "auto" => Ok(None),
        "fp32" => Ok(Some(Precision::Fp32)),
        "fp16" | "pure_fp16" => Ok(Some(Precision::Fp16)),
        "bf16" | "pure_bf16" => Ok(Some(Precision::Bf16)),
        _ => Err(ClipError::Device(format!(
            "PRECISION is `{text}`; it may be auto, fp32, fp16 or bf16"
        ))),
    }
}

/// Returns whether the CPU has instructions for products of bf16. Without them libtorch computes
/// the same, many times slower.
#[must_use]
pub fn cpu_multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read() {
        assert_eq!("auto".parse::<DeviceChoice>().unwrap(), DeviceChoice::Auto);
        assert_eq!("".parse::<DeviceChoice>().unwrap(), DeviceChoice::Auto);
        assert_eq!(" CPU ".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cpu);
        assert_eq!(
            "cuda".parse::<DeviceChoice>().unwrap(),
            DeviceChoice::Cuda(0)
        );
        assert_eq!(
            "cuda:3".parse::<DeviceChoice>().unwrap(),
            DeviceChoice::Cuda(3)
        );
        for wrong in ["gpu", "cuda:", "cuda:-1", "mps"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn precisions_are_read() {
        assert_eq!(parse_precision("auto").unwrap(), None);
        assert_eq!(parse_precision("FP16").unwrap(), Some(Precision::Fp16));
        assert_eq!(parse_precision("bf16").unwrap(), Some(Precision::Bf16));
        assert!(parse_precision("int8").is_err());
    }

    #[test]
    fn auto_always_finds_a_device() {
        assert!(DeviceChoice::Auto.resolve().is_ok());
    }

    #[test]
    fn a_missing_device_is_an_error_with_the_remedy() {
        let error = DeviceChoice::Cuda(99).resolve().unwrap_err().to_string();
        assert!(
            error.contains("cuda:99") && error.contains("DEVICE=cpu"),
            "{error}"
        );
    }
}
