//! The virtual machine.

use crate::command::{Invocation, Outcome};
use crate::ktls::image::Image;
use crate::ktls::packages::Kernel;

/// Starts it, and hands over each line that it says, until it is off. A machine
/// that is not off in time is stopped, which is a failure.
pub(crate) fn run(
    kernel: &Kernel,
    image: &Image,
    kvm: bool,
    seconds: u32,
    each: impl FnMut(&str),
) -> Outcome {
    command(kernel, image, kvm, seconds).run_reading(each)
}

fn command(kernel: &Kernel, image: &Image, kvm: bool, seconds: u32) -> Invocation {
    let (accelerator, processor) = match kvm {
        true => ("kvm", "host"),
        // A program plays all that it knows of a processor: the instructions
        // for AES among it.
        false => ("tcg,thread=multi", "max"),
    };
    let words = [
        ("-accel", accelerator),
        ("-cpu", processor),
        ("-smp", "2"),
        ("-m", "1536"),
        ("-display", "none"),
        ("-vga", "none"),
        ("-serial", "stdio"),
        ("-monitor", "none"),
        ("-append", "console=ttyS0 quiet panic=-1"),
    ];
    let machine = Invocation::parse(&format!("timeout --kill-after=5 {seconds}"))
        .and("qemu-system-x86_64 -nodefaults -no-user-config -no-reboot");
    let machine = words.iter().fold(machine, |command, (name, value)| {
        command.and_word(name).and_word(value)
    });
    machine
        .and_word("-kernel")
        .and_word(&kernel.vmlinuz.display().to_string())
        .and_word("-initrd")
        .and_word(&image.file.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_machine_has_a_limit_of_time_and_a_console() {
        let kernel = Kernel {
            vmlinuz: PathBuf::from("/k/vmlinuz"),
            modules: PathBuf::from("/k/modules"),
        };
        let image = Image {
            file: PathBuf::from("/i"),
            runs: 1,
        };
        let shown = command(&kernel, &image, false, 60).to_string();
        assert!(shown.starts_with("timeout --kill-after=5 60 qemu-"));
        assert!(shown.contains("'console=ttyS0 quiet panic=-1'"));
        assert!(shown.ends_with("-kernel /k/vmlinuz -initrd /i"));
        assert!(!shown.contains("kvm"));
        assert!(
            command(&kernel, &image, true, 60)
                .to_string()
                .contains("-accel kvm")
        );
    }
}
