//! Colours. The streams of `anstream` drop them where there is no terminal.

use anstyle::{AnsiColor, Reset, Style};

pub(crate) const HEAD: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const END: Reset = Reset;
