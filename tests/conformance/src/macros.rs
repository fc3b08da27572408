//! Makes a named test of each behaviour.

/// Makes a test of each behaviour, so that one that fails is named: natively a `#[test]`, in a
/// browser a `#[wasm_bindgen_test]`.
///
/// The first argument opens the database of the given name: a new one when it has not been opened
/// before, else, where the backend is persistent, the same one again. `lacks` names the
/// capabilities that the backend is meant not to have. A behaviour that needs one of these does
/// not apply; one that needs another that is missing fails, so that nothing is left out unseen.
///
/// ```
/// use storehouse_runtime::{Store, memory::InMemoryBackend};
/// use std::sync::Arc;
///
/// async fn open(_database: &str) -> Store {
///     Store::from_backend(Arc::new(InMemoryBackend::new()))
/// }
///
/// storehouse_conformance::conformance_tests!(open, lacks: [persistent, multi_process, sql]);
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($open:expr) => {
        $crate::conformance_tests!($open, lacks: []);
    };
    ($open:expr, lacks: [$($lack:ident),* $(,)?] $(,)?) => {
        $crate::__contents! { __tests ($open) [$($lack)*] }

        #[cfg(not(target_family = "wasm"))]
        #[test]
        fn the_capabilities_are_as_declared() {
            $crate::native::block_on($crate::check_lacks($open, &[$(stringify!($lack)),*]));
        }

        #[cfg(target_family = "wasm")]
        #[$crate::wasm_bindgen_test::wasm_bindgen_test(crate = $crate::wasm_bindgen_test)]
        async fn the_capabilities_are_as_declared() {
            $crate::check_lacks($open, &[$(stringify!($lack)),*]).await;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (
        ($open:expr) $lacks:tt
        $(
            $(#[$attribute:meta])*
            $body:ident $subject:ident { $($name:ident $([$($need:ident),*])?;)* }
        )*
    ) => {
        $(
            $(#[$attribute])*
            mod $subject {
                #[allow(unused_imports, reason = "what opens the database may need nothing")]
                use super::*;

                $($crate::__test! { ($open) $lacks $subject $name })*
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test {
    (($open:expr) [$($lack:ident)*] $subject:ident $name:ident) => {
        #[cfg(not(target_family = "wasm"))]
        #[test]
        fn $name() {
            $crate::native::block_on($crate::check(
                stringify!($subject),
                stringify!($name),
                $open,
                &[$(stringify!($lack)),*],
            ));
        }

        #[cfg(target_family = "wasm")]
        #[$crate::wasm_bindgen_test::wasm_bindgen_test(crate = $crate::wasm_bindgen_test)]
        async fn $name() {
            let lacks = &[$(stringify!($lack)),*];
            $crate::check(stringify!($subject), stringify!($name), $open, lacks).await;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __behaviours {
    (
        $(
            $(#[$attribute:meta])*
            $body:ident $subject:ident { $($name:ident $([$($need:ident),*])?;)* }
        )*
    ) => {
        {
            let mut behaviours = Vec::new();
            $(
                $(#[$attribute])*
                {
                    $(behaviours.push(Behaviour {
                        subject: stringify!($subject),
                        name: stringify!($name),
                        // Nothing can be tested of a backend that cannot be written to.
                        needs: &[need::WRITABLE, $($(need::$need),*)?],
                        body: Body::$body(|database| Box::pin(suite::$subject::$name(database))),
                    });)*
                }
            )*
            behaviours
        }
    };
}
