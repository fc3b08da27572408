//! What makes a layer of an [`Intercept`]: wrappers that forward every operation through it.
//!
//! They implement the object-safe traits, in which no method has a default, so that one that is
//! added does not compile until it is forwarded.

mod backend;
mod kv;
mod tabular;

use std::sync::Arc;

use self::{
    backend::{InterceptedBackend, InterceptedTransaction},
    kv::InterceptedKv,
    tabular::InterceptedTabular,
};
use super::{
    intercept::Intercept,
    layer::{Layer, LayerScope},
};
use crate::{
    backend::{DynBackend, DynBackendTransaction},
    kv::{DynKvStorage, KvDef},
    storage::DynTabularStorage,
};

impl<I: Intercept> Layer for I {
    fn tabular(
        &self,
        inner: Arc<dyn DynTabularStorage>,
        scope: &LayerScope,
    ) -> Arc<dyn DynTabularStorage> {
        Arc::new(InterceptedTabular::new(self.clone(), inner, scope))
    }

    fn kv(
        &self,
        inner: Arc<dyn DynKvStorage>,
        _definition: &Arc<KvDef>,
        scope: &LayerScope,
    ) -> Arc<dyn DynKvStorage> {
        Arc::new(InterceptedKv::new(self.clone(), inner, scope))
    }

    fn backend(&self, inner: Arc<dyn DynBackend>) -> Arc<dyn DynBackend> {
        Arc::new(InterceptedBackend::new(self.clone(), inner))
    }

    fn transaction(
        &self,
        inner: Arc<dyn DynBackendTransaction>,
        backend: &dyn DynBackend,
    ) -> Arc<dyn DynBackendTransaction> {
        Arc::new(InterceptedTransaction::new(self.clone(), inner, backend))
    }
}

/// Implements an object-safe trait of a wrapper that has the fields `interceptor`, `inner` and
/// `place`: `forward` passes on as it is, `calls` and `rows` through the interceptor, as the
/// operation that stands behind `=`. What is in `rows` takes a `RowSink` last, and gives it back.
macro_rules! intercepted {
    (
        $dynamic:ident for $wrapper:ident { $($own:tt)* }
        forward {
            $(fn $plain:ident(&$self:ident $(, $plain_argument:ident: $plain_type:ty)*) -> $plain_result:ty;)*
        }
        calls {
            $(async fn $name:ident(&$this:ident $(, $argument:ident: $type:ty)*) -> $result:ty = $operation:expr;)*
        }
        rows {
            $(async fn $reads:ident(&$it:ident $(, $given:ident: $given_type:ty)*) = $reading:expr;)*
        }
    ) => {
        impl<I: Intercept> $dynamic for $wrapper<I> {
            $($own)*

            $(fn $plain(&$self $(, $plain_argument: $plain_type)*) -> $plain_result {
                $self.inner.$plain($($plain_argument),*)
            })*

            $(fn $name(&$this $(, $argument: $type)*) -> BoxFuture<'_, $result> {
                let call = $this.place.call($operation);
                if $this.interceptor.is_idle(&call) {
                    return $this.inner.$name($($argument),*);
                }
                let start = |($($argument,)*)| $this.inner.$name($($argument),*);
                let work = calling::<I, _, _>(($($argument,)*), start);
                Box::pin($this.interceptor.around(call, work))
            })*

            $(fn $reads(&$it $(, $given: $given_type)*, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
                let call = $it.place.call($reading);
                if $it.interceptor.is_idle(&call) {
                    return $it.inner.$reads($($given,)* rows);
                }
                let start = |($($given,)*), rows| $it.inner.$reads($($given,)* rows);
                let work = reading::<I, _>(($($given,)*), rows, start);
                Box::pin($it.interceptor.around(call, work))
            })*
        }
    };
}
use intercepted;
