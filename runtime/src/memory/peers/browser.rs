//! The browser itself: `BroadcastChannel`, and the locks of `navigator.locks`, in a page or a worker.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use futures::{
    channel::oneshot,
    future::{Either, select},
};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::host::{Heard, Held, HeldLock, Host, Listener};
use crate::{
    error::{Error, Result},
    maybe_send::BoxFuture,
};

#[wasm_bindgen]
extern "C" {
    type BroadcastChannel;

    #[wasm_bindgen(constructor, catch)]
    fn new(name: &str) -> Result<BroadcastChannel, JsValue>;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &BroadcastChannel, message: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, js_name = onmessage)]
    fn set_onmessage(this: &BroadcastChannel, listener: Option<&Function>);

    #[wasm_bindgen(method)]
    fn close(this: &BroadcastChannel);

    type EventTarget;

    #[wasm_bindgen(method, js_name = addEventListener)]
    fn add_event_listener(this: &EventTarget, event: &str, listener: &Function);

    #[wasm_bindgen(method, js_name = removeEventListener)]
    fn remove_event_listener(this: &EventTarget, event: &str, listener: &Function);

    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, granted: &Function) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn query(this: &LockManager) -> Result<Promise, JsValue>;
}

/// The browser, for the tabs of a database. None where it has no locks or channels: outside of secure
/// contexts, and in frames without an origin; there a database is the page's own.
pub(in super::super) fn host(database: &str) -> Option<Arc<dyn Host>> {
    let global = js_sys::global();
    if member(&global, "origin")?.as_string().as_deref() == Some("null") {
        return None;
    }
    let locks = member(&member(&global, "navigator")?, "locks")?.unchecked_into();
    member(&global, "BroadcastChannel")?;
    let name = format!("storehouse/{database}");
    let channel = BroadcastChannel::new(&name).ok()?;
    Some(Arc::new(Browser { name, channel, locks, listeners: RefCell::new(None) }))
}

/// A member that is there.
fn member(object: &JsValue, name: &str) -> Option<JsValue> {
    let member = Reflect::get(object, &JsValue::from_str(name)).ok()?;
    (!member.is_undefined() && !member.is_null()).then_some(member)
}

struct Browser {
    /// The channel's name.
    name: String,
    channel: BroadcastChannel,
    locks: LockManager,
    /// What hears the channel, and what hears that the page is back.
    listeners: RefCell<Option<[Closure<dyn Fn(JsValue)>; 2]>>,
}

/// The event of a page that is shown, as a whole or again.
const SHOWN: &str = "pageshow";

fn page() -> EventTarget {
    js_sys::global().unchecked_into()
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        if let Some([_, shown]) = &*self.listeners.borrow() {
            page().remove_event_listener(SHOWN, shown.as_ref().unchecked_ref());
        }
        self.channel.close();
    }
}

/// A lock is held until a promise is fulfilled.
struct BrowserLock {
    fulfil: Function,
}

impl HeldLock for BrowserLock {}

impl Drop for BrowserLock {
    fn drop(&mut self) {
        // A promise's own function, which does not fail.
        let _ = self.fulfil.call0(&JsValue::UNDEFINED);
    }
}

fn failed(what: &str, reason: &JsValue) -> Error {
    Error::backend(format!("the browser {what}: {reason:?}"), None)
}

fn send(channel: &BroadcastChannel, message: &[u8]) {
    if let Err(reason) = channel.post_message(&Uint8Array::from(message)) {
        tracing::error!(?reason, "the browser sent no message to other tabs");
    }
}

impl Host for Browser {
    fn listen(&self, listener: Listener) {
        let listener = Rc::new(listener);
        let is_back = Rc::clone(&listener);
        let shown = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            // Browsers that we know keep no page that holds locks; should one, it takes the locks away.
            if member(&event, "persisted").is_some_and(|persisted| persisted.is_truthy()) {
                is_back(Heard::Back);
            }
        });
        page().add_event_listener(SHOWN, shown.as_ref().unchecked_ref());
        let heard = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            // Whatever else another script sends over a channel of this name is none of ours.
            let data = member(&event, "data").and_then(|data| data.dyn_into::<Uint8Array>().ok());
            if let Some(message) = data {
                listener(Heard::Message(&message.to_vec()));
            }
        });
        self.channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        *self.listeners.borrow_mut() = Some([heard, shown]);
    }

    fn post(&self, message: &[u8]) {
        send(&self.channel, message);
    }

    /// Another end of the channel is heard by this one, and browsers keep the order of what they pass on.
    fn post_to_all(&self, message: &[u8]) {
        match BroadcastChannel::new(&self.name) {
            Ok(other) => {
                send(&other, message);
                other.close();
            }
            Err(reason) => tracing::error!(?reason, "the browser opened no channel"),
        }
    }

    fn lock(&self, name: &str) -> BoxFuture<'static, Result<Held>> {
        let (granted, waiting) = oneshot::channel::<Held>();
        let hold = move |_lock: JsValue| -> Promise {
            let mut held = None;
            let until = Promise::new(&mut |fulfil, _| held = Some(BrowserLock { fulfil }));
            if let Some(held) = held {
                // Who does not wait any more drops it, which releases it.
                drop(granted.send(Box::new(held)));
            }
            until
        };
        let hold = Closure::once_into_js(hold);
        let requested = self.locks.request(name, hold.unchecked_ref());
        Box::pin(async move {
            let refused = |reason: &JsValue| failed("gave no lock", reason);
            let requested = JsFuture::from(requested.map_err(|reason| refused(&reason))?);
            match select(waiting, requested).await {
                Either::Left((Ok(lock), _)) => Ok(lock),
                Either::Right((Err(reason), _)) => Err(refused(&reason)),
                Either::Left((Err(_), _)) | Either::Right((Ok(_), _)) => {
                    Err(refused(&JsValue::UNDEFINED))
                }
            }
        })
    }

    fn held(&self) -> BoxFuture<'static, Result<Vec<String>>> {
        let asked = self.locks.query();
        Box::pin(async move {
            let untold = |reason: JsValue| failed("does not tell which locks are held", &reason);
            let told = JsFuture::from(asked.map_err(untold)?).await.map_err(untold)?;
            let held = member(&told, "held").map(|held| Array::from(&held)).unwrap_or_default();
            Ok(held.iter().filter_map(|lock| member(&lock, "name")?.as_string()).collect())
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(futures_timer::Delay::new(time))
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        spawn_local(work);
    }
}
