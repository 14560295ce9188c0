//! The library under native-tls, as far as it is known: what native-tls does
//! not tell is asked of it here.

#[cfg(not(any(windows, target_vendor = "apple")))]
mod openssl;
#[cfg(any(windows, target_vendor = "apple"))]
mod other;

#[cfg(not(any(windows, target_vendor = "apple")))]
pub(crate) use openssl::*;
#[cfg(any(windows, target_vendor = "apple"))]
pub(crate) use other::*;
