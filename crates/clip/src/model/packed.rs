//! Linear layers on the CPU with weights that oneDNN has packed in advance.
//!
//! libtorch's own linear layer arranges the weights for the processor's vector instructions at
//! every call. For few inputs this takes a good part of the time. With packed weights, a tower of
//! ViT-B-32 is 1.1 to 1.5 times as fast (docs/benchmarks.md). The activation is computed with the
//! product.
//!
//! libtorch has operators for this, which its compiler of models uses. `tch` does not wrap them, so
//! they are called through libtorch's stable C interface.

use std::ffi::{CStr, c_char, c_double};
use std::ptr;

use tch::{Device, Kind, Tensor};
use torch_sys::C_tensor;

use super::activation::Activation;
use crate::device::cpu_multiplies_bf16;
use crate::error::{ClipError, Result};

/// A tensor of libtorch's C interface: a pointer to an `at::Tensor`, as that of `tch`.
type Handle = *mut C_tensor;

/// The operator that packs weights, and the name of its only form.
const PACK: (&CStr, &CStr) = (c"mkldnn::_reorder_linear_weight", c"");

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    /// Calls an operator by its name. `stack` holds its arguments and receives its results. A tensor
    /// on the stack belongs to the stack; 0 is an optional argument that is left out. Returns 0 for
    /// success; otherwise libtorch has written the reason to the standard error output.
    fn aoti_torch_call_dispatcher(
        name: *const c_char,
        overload: *const c_char,
        stack: *mut u64,
    ) -> i32;

    /// A linear layer followed by an activation. `bias` and `algorithm` may be null. Returns 0 for
    /// success, and then `result` is a new tensor.
    fn aoti_torch_cpu__linear_pointwise(
        input: Handle,
        packed: Handle,
        bias: *const Handle,
        activation: *const c_char,
        scalars: *const *const c_double,
        scalar_count: i64,
        algorithm: *const *const c_char,
        result: *mut Handle,
    ) -> i32;
}

/// Elsewhere libtorch may have been built without these functions, and [`PackedWeight::pays`] is
/// false.
#[cfg(not(target_arch = "x86_64"))]
mod absent {
    use super::{Handle, c_char, c_double};

    pub unsafe fn aoti_torch_call_dispatcher(
        _name: *const c_char,
        _overload: *const c_char,
        _stack: *mut u64,
    ) -> i32 {
        1
    }

    pub unsafe fn aoti_torch_cpu__linear_pointwise(
        _input: Handle,
        _packed: Handle,
        _bias: *const Handle,
        _activation: *const c_char,
        _scalars: *const *const c_double,
        _scalar_count: i64,
        _algorithm: *const *const c_char,
        _result: *mut Handle,
    ) -> i32 {
        1
    }
}
#[cfg(not(target_arch = "x86_64"))]
use absent::{aoti_torch_call_dispatcher, aoti_torch_cpu__linear_pointwise};

/// Packed weights.
pub struct PackedWeight(Tensor);

impl PackedWeight {
    /// Whether packing is possible and pays for weights: for fp32, and for bf16 where the processor
    /// multiplies it. It was measured on x86-64 only.
    pub fn pays(weight: &Tensor) -> bool {
        let is_known = match weight.kind() {
            Kind::Float => true,
            Kind::BFloat16 => cpu_multiplies_bf16(),
            _ => false,
        };
        cfg!(target_arch = "x86_64") && weight.device() == Device::Cpu && is_known
    }

    /// Packs weights `[outputs, inputs]` for batches of any size.
    pub fn new(weight: &Tensor) -> Result<Self> {
        let weight = weight.f_contiguous()?;
        // A tensor of its own, which the call takes over once it has read its arguments. `tch` must
        // not free it. A call that fails earlier leaves it to nobody, which is a small leak.
        let mut given = std::mem::ManuallyDrop::new(weight.shallow_clone());
        let mut stack = [given.as_mut_ptr() as u64, 0];
        // SAFETY: the operator takes a tensor and an optional number, and returns a tensor, which
        // replaces the first of the two values. The names end with a zero byte.
        let failed = unsafe {
            aoti_torch_call_dispatcher(PACK.0.as_ptr(), PACK.1.as_ptr(), stack.as_mut_ptr())
        };
        if failed != 0 {
            return Err(ClipError::Packed("pack the weights of a layer"));
        }
        // SAFETY: the call succeeded, so this is a new tensor that belongs to nobody else.
        Ok(Self(unsafe { Tensor::from_ptr(stack[0] as Handle) }))
    }

    /// `[..., inputs]` to `[..., outputs]`, and the activation. `input` is contiguous.
    pub fn forward(
        &self,
        input: &Tensor,
        bias: Option<&Tensor>,
        activation: Option<Activation>,
    ) -> Result<Tensor> {
        let (name, algorithm) = match activation {
            None => (c"none", None),
            Some(Activation::Gelu) => (c"gelu", Some(c"none")),
            Some(Activation::TanhGelu) => (c"gelu", Some(c"tanh")),
            // oneDNN has no activation of this factor.
            Some(activation @ Activation::QuickGelu) => {
                return activation.forward(self.forward(input, bias, None)?);
            }
        };
        let bias = bias.map(|bias| bias.as_ptr().cast_mut());
        let algorithm = algorithm.map(CStr::as_ptr);
        let mut result: Handle = ptr::null_mut();
        // SAFETY: all pointers are valid during the call, and the call changes none of the tensors.
        // There are no scalars, so their list is not read.
        let failed = unsafe {
            aoti_torch_cpu__linear_pointwise(
                input.as_ptr().cast_mut(),
                self.0.as_ptr().cast_mut(),
                bias.as_ref().map_or(ptr::null(), ptr::from_ref),
                name.as_ptr(),
                ptr::null(),
                0,
                algorithm.as_ref().map_or(ptr::null(), ptr::from_ref),
                &raw mut result,
            )
        };
        if failed != 0 || result.is_null() {
            return Err(ClipError::Packed("compute a layer with packed weights"));
        }
        // SAFETY: the call succeeded, so this is a new tensor that belongs to nobody else.
        Ok(unsafe { Tensor::from_ptr(result) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_X86_64: bool = cfg!(target_arch = "x86_64");

    fn random(size: &[i64], kind: Kind) -> Tensor {
        Tensor::randn(size, (Kind::Float, Device::Cpu)).to_kind(kind)
    }

    /// The greatest difference, in units of the greatest value.
    fn difference(left: &Tensor, right: &Tensor) -> f64 {
        let [left, right] = [left, right].map(|one| one.to_kind(Kind::Double));
        let scale = right.abs().max().double_value(&[]);
        (left - right).abs().max().double_value(&[]) / scale
    }

    #[test]
    fn a_packed_layer_computes_what_a_plain_one_does_for_batches_of_any_size() {
        let _no_grad = tch::no_grad_guard();
        for (kind, most) in [(Kind::Float, 1e-5), (Kind::BFloat16, 2e-2)] {
            let weight = random(&[96, 40], kind);
            let is_expected = kind == Kind::Float || cpu_multiplies_bf16();
            assert_eq!(PackedWeight::pays(&weight), is_expected && ON_X86_64);
            if !PackedWeight::pays(&weight) {
                println!("skipped: {kind:?} is not packed on this processor");
                continue;
            }
            let packed = PackedWeight::new(&weight).expect("packed");
            let bias = random(&[96], kind);
            for size in [vec![1, 1, 40], vec![3, 50, 40], vec![700, 40]] {
                let x = random(&size, kind);
                for bias in [None, Some(&bias)] {
                    for activation in [
                        None,
                        Some(Activation::Gelu),
                        Some(Activation::TanhGelu),
                        Some(Activation::QuickGelu),
                    ] {
                        let made = packed.forward(&x, bias, activation).expect("computed");
                        let plain = x.linear(&weight, bias);
                        let plain = match activation {
                            None => plain,
                            Some(activation) => activation.forward(plain).expect("computed"),
                        };
                        assert_eq!(made.size(), plain.size());
                        let off = difference(&made, &plain);
                        assert!(off < most, "{kind:?} {size:?} {activation:?}: {off}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_computed_is_an_error() {
        let _no_grad = tch::no_grad_guard();
        let weight = random(&[8, 4], Kind::Float);
        if PackedWeight::pays(&weight) {
            let packed = PackedWeight::new(&weight).expect("packed");
            assert!(
                packed
                    .forward(&random(&[2, 5], Kind::Float), None, None)
                    .is_err()
            );
        }
        assert!(!PackedWeight::pays(&random(&[8, 4], Kind::Half)));
    }
}
