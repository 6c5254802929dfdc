//! Requests: unwrapping them, who may ask, and which room of this folder answers.

mod auth;
mod dialogs;
mod files;
mod help;
mod history;
mod outgoing;
mod peers;
mod updates;

use std::time::Duration;

use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable, RemoteCall, Serializable, functions as f};

use super::{
    Network, Shared,
    cipher::KeyId,
    faults,
    world::{Account, World},
};

const INVOKE_WITH_LAYER: u32 = 0xda9b_0d0d;
const INVOKE_WITHOUT_UPDATES: u32 = 0xbf94_59b7;
const INVOKE_AFTER_MSG: u32 = 0xcb9f_372d;
const INVOKE_AFTER_MSGS: u32 = 0x3dc4_b4f0;
const INIT_CONNECTION: u32 = 0xc1cd_5ea9;

/// The name of an error. Its code follows from it.
#[derive(Debug)]
struct Refusal(String);

type Answered<T> = Result<T, Refusal>;

fn refuse<T>(error: impl Into<String>) -> Answered<T> {
    Err(Refusal(error.into()))
}

/// What a request leads to.
pub(super) struct Reply {
    /// `None` where the answer is lost on purpose.
    pub(super) answer: Option<Vec<u8>>,
    pub(super) delay: Duration,
}

/// One request that is being answered.
struct Call<'a> {
    shared: &'a Shared,
    world: &'a mut World,
    key: KeyId,
    link: u64,
    dc: i32,
    /// Who is signed in with the key.
    account: Option<i64>,
}

/// Routes a request to the method of [`Call`] that answers it. The answer has the type that the schema promises.
macro_rules! route {
    ($call:ident, $method:ident, $body:ident; $($request:ty => $handler:ident,)*) => {
        match $method {
            $(<$request as Identifiable>::CONSTRUCTOR_ID => {
                Some(typed($body, |request: $request| $call.$handler(request)))
            })*
            _ => None,
        }
    };
}
use route;

fn typed<F>(body: &[u8], answer: impl FnOnce(F) -> Answered<F::Return>) -> Answered<Vec<u8>>
where
    F: RemoteCall + Deserializable,
    F::Return: Serializable,
{
    let mut cursor = Cursor::from_slice(body);
    match F::deserialize(&mut cursor) {
        Ok(request) if cursor.pos() == body.len() => Ok(answer(request)?.to_bytes()),
        _ => refuse("INPUT_REQUEST_INVALID"),
    }
}

/// Answers a request.
pub(super) fn answer(shared: &Shared, key: KeyId, dc: i32, link: u64, body: &[u8]) -> Reply {
    let world = &mut *shared.world();
    let (method, result) = match unwrap(world, link, body) {
        Ok((method, arguments)) => {
            let name = tl::name_for_id(method);
            world.count(name);
            let account = world.keys.get(&key).and_then(|entry| entry.account);
            let mut call = Call { shared, world, key, link, dc, account };
            (name, call.admit(name).and_then(|()| call.carry_out(method, name, arguments)))
        }
        Err(refusal) => ("", Err(refusal)),
    };
    let answer = result.unwrap_or_else(|Refusal(error_message)| {
        let (error_code, name) = faults::coded(&error_message);
        let error_message = name.to_owned();
        tl::enums::RpcError::Error(tl::types::RpcError { error_code, error_message }).to_bytes()
    });
    let answer = if is_garbled(world, method, &answer) { Network::unknown() } else { answer };
    let lost = world.faults.lost.get_mut(method).filter(|times| **times > 0);
    let is_lost = lost.map(|times| *times -= 1).is_some();
    let delay = world.faults.slow.get(method).copied().unwrap_or_default();
    Reply { answer: (!is_lost).then_some(answer), delay }
}

fn is_garbled(world: &mut World, method: &str, answer: &[u8]) -> bool {
    if let Some(times) = world.faults.garbled.get_mut(method).filter(|times| **times > 0) {
        *times -= 1;
        return true;
    }
    let says = |text: &String| answer.windows(text.len()).any(|said| said == text.as_bytes());
    world.faults.garbled_texts.iter().any(says)
}

/// Takes off what a request may be wrapped in. Returns the method and its arguments.
fn unwrap<'a>(world: &mut World, link: u64, mut body: &'a [u8]) -> Answered<(u32, &'a [u8])> {
    let broken = |_| Refusal("INPUT_REQUEST_INVALID".to_owned());
    loop {
        let cursor = &mut Cursor::from_slice(body);
        let constructor = u32::deserialize(cursor).map_err(broken)?;
        match constructor {
            INVOKE_WITH_LAYER => {
                i32::deserialize(cursor).map_err(broken)?;
            }
            INVOKE_WITHOUT_UPDATES => {
                if let Some(link) = world.links.get_mut(&link) {
                    link.updates = false;
                }
            }
            INVOKE_AFTER_MSG => {
                i64::deserialize(cursor).map_err(broken)?;
            }
            INVOKE_AFTER_MSGS => {
                Vec::<i64>::deserialize(cursor).map_err(broken)?;
            }
            INIT_CONNECTION => init_connection(cursor).map_err(broken)?,
            method => return Ok((method, &body[4..])),
        }
        body = &body[cursor.pos()..];
    }
}

fn init_connection(cursor: &mut Cursor<'_>) -> tl::deserialize::Result<()> {
    let flags = u32::deserialize(cursor)?;
    let _api_id = i32::deserialize(cursor)?;
    for _ in 0..6 {
        String::deserialize(cursor)?;
    }
    if flags & 1 != 0 {
        tl::enums::InputClientProxy::deserialize(cursor)?;
    }
    if flags & 2 != 0 {
        tl::enums::Jsonvalue::deserialize(cursor)?;
    }
    Ok(())
}

impl Call<'_> {
    /// Refuses what was asked to be refused, what the key may not ask, and what does not belong here.
    fn admit(&mut self, method: &str) -> Answered<()> {
        if let Some(error) = self.world.keys.get(&self.key).and_then(|entry| entry.ended.clone()) {
            return refuse(error);
        }
        let account = self.account;
        let failure = self.world.faults.failures.iter_mut().find(|failure| {
            failure.times > 0
                && failure.method.as_deref().is_none_or(|wanted| wanted == method)
                && failure.account.is_none_or(|wanted| account == Some(wanted))
        });
        if let Some(failure) = failure {
            failure.times -= 1;
            return refuse(failure.error.clone());
        }
        let before_sign_in = method.starts_with("help.")
            || (method.starts_with("auth.") && !matches!(method, "auth.exportAuthorization" | "auth.acceptLoginToken"))
            || method == "account.getPassword";
        let Some(account) = account else {
            return if before_sign_in { Ok(()) } else { refuse("AUTH_KEY_UNREGISTERED") };
        };
        let home = self.world.accounts.get(&account).map_or(self.dc, |account| account.home_dc);
        if home != self.dc && !before_sign_in && !method.starts_with("upload.") {
            return refuse(format!("USER_MIGRATE_{home}"));
        }
        Ok(())
    }

    fn carry_out(&mut self, method: u32, name: &str, arguments: &[u8]) -> Answered<Vec<u8>> {
        let areas = [
            Self::help_area,
            Self::auth_area,
            Self::updates_area,
            Self::peers_area,
            Self::dialogs_area,
            Self::history_area,
            Self::outgoing_area,
            Self::files_area,
        ];
        for area in areas {
            if let Some(answer) = area(self, method, arguments) {
                return answer;
            }
        }
        self.world.complain(&format!("An unknown method: {name} {method:08x}"));
        refuse(format!("METHOD_INVALID_{}", name.replace('.', "_").to_uppercase()))
    }

    /// Returns who is signed in.
    fn me(&self) -> Answered<i64> {
        self.account.ok_or_else(|| Refusal("AUTH_KEY_UNREGISTERED".to_owned()))
    }

    fn my(&self) -> Answered<&Account> {
        let me = self.me()?;
        self.world.accounts.get(&me).ok_or_else(|| Refusal("USER_DEACTIVATED".to_owned()))
    }

    fn my_mut(&mut self) -> Answered<&mut Account> {
        let me = self.me()?;
        self.world.accounts.get_mut(&me).ok_or_else(|| Refusal("USER_DEACTIVATED".to_owned()))
    }
}
