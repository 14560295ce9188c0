//! The rules of a pool over plain connections, on both fronts: what does not
//! depend on TLS.

#[path = "../front/mod.rs"]
mod front;

/// Each rule as a test of each front.
macro_rules! rules {
    ($($rule:ident),+ $(,)?) => {
        mod threads {
            $(#[test]
            fn $rule() {
                super::$rule::<crate::front::threads::Threads>();
            })+
        }

        #[cfg(feature = "tokio")]
        mod tasks {
            $(#[test]
            fn $rule() {
                super::$rule::<crate::front::tasks::Tasks>();
            })+
        }
    };
}

mod absent;
mod draining;
mod giving_back;
mod names;
mod rig;
mod sharing;
#[cfg(feature = "tokio")]
mod tasks_only;
mod threads_only;
