//! `auth.*` and the password: every way to sign in, and out.

use rand::RngExt;

use super::*;
use crate::telegram::{
    UserId, blank, now, srp,
    traffic::Push,
    world::{Delivery, LoginToken, Post, SERVICE_USER},
};

/// How long a QR code lives, in seconds.
const TOKEN_LIFE: i32 = 30;

impl Call<'_> {
    pub(super) fn auth_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::auth::SendCode => send_code,
            f::auth::SignIn => sign_in,
            f::account::GetPassword => get_password,
            f::auth::CheckPassword => check_password,
            f::auth::ExportLoginToken => export_login_token,
            f::auth::ImportLoginToken => import_login_token,
            f::auth::AcceptLoginToken => accept_login_token,
            f::auth::ExportAuthorization => export_authorization,
            f::auth::ImportAuthorization => import_authorization,
            f::auth::ImportBotAuthorization => import_bot_authorization,
            f::auth::LogOut => log_out,
            f::account::UpdateStatus => update_status,
        }
    }

    fn send_code(&mut self, request: f::auth::SendCode) -> Answered<tl::enums::auth::SentCode> {
        let phone: String = request.phone_number.chars().filter(char::is_ascii_digit).collect();
        let plausible = request.phone_number.chars().all(|c| c.is_ascii_digit() || " +-()".contains(c));
        if !plausible || !(7..=15).contains(&phone.len()) {
            return refuse("PHONE_NUMBER_INVALID");
        }
        if request.api_id <= 0 || request.api_hash.is_empty() {
            return refuse("API_ID_INVALID");
        }
        let account = self.by_phone(&phone);
        if let Some(home) = account.and_then(|id| self.world.accounts.get(&id)).map(|account| account.home_dc)
            && home != self.dc
        {
            return refuse(format!("PHONE_MIGRATE_{home}"));
        }
        let hash = format!("{:016x}", rand::rng().random::<u64>());
        if let Some(entry) = self.world.keys.get_mut(&self.key) {
            entry.code_sent_to = Some((phone, hash.clone()));
        }
        if let Some(account) = account {
            let text = format!("Login code: {}. Do not give this code to anyone!", self.world.login_code);
            let post = Post { date: now(), ..Post::new(SERVICE_USER, UserId(account).into(), text) };
            self.world.deliver(post, Delivery::from(Push::Pushed));
        }
        let length = i32::try_from(self.world.login_code.len()).unwrap_or(5);
        let sent = tl::types::auth::SentCode {
            r#type: tl::types::auth::SentCodeTypeApp { length }.into(),
            phone_code_hash: hash,
            next_type: None,
            timeout: Some(120),
        };
        Ok(sent.into())
    }

    fn sign_in(&mut self, request: f::auth::SignIn) -> Answered<tl::enums::auth::Authorization> {
        let sent = self.world.keys.get(&self.key).and_then(|entry| entry.code_sent_to.clone());
        let phone: String = request.phone_number.chars().filter(char::is_ascii_digit).collect();
        match (&sent, request.phone_code.as_deref().unwrap_or_default()) {
            (Some((to, hash)), _) if *to != phone || *hash != request.phone_code_hash => refuse("PHONE_CODE_EXPIRED"),
            (None, _) => refuse("PHONE_CODE_EXPIRED"),
            (_, "") => refuse("PHONE_CODE_EMPTY"),
            (_, code) if code != self.world.login_code => refuse("PHONE_CODE_INVALID"),
            _ => match self.by_phone(&phone) {
                Some(account) => self.complete(account),
                None => {
                    let sign_up = tl::types::auth::AuthorizationSignUpRequired { terms_of_service: None };
                    Ok(sign_up.into())
                }
            },
        }
    }

    /// Signs in, unless a password is still owed.
    fn complete(&mut self, account: i64) -> Answered<tl::enums::auth::Authorization> {
        let password = self.world.accounts.get(&account).is_some_and(|account| account.password.is_some());
        if password {
            if let Some(entry) = self.world.keys.get_mut(&self.key) {
                entry.half_signed_in = Some(account);
            }
            return refuse("SESSION_PASSWORD_NEEDED");
        }
        self.authorize(account)
    }

    fn authorize(&mut self, account: i64) -> Answered<tl::enums::auth::Authorization> {
        self.world.sign_in(&self.key, account);
        let user = self.world.user(account, account, false).ok_or_else(|| Refusal("USER_DEACTIVATED".to_owned()))?;
        Ok(blank::authorization(user).into())
    }

    fn get_password(&mut self, _: f::account::GetPassword) -> Answered<tl::enums::account::Password> {
        let Some(entry) = self.world.keys.get_mut(&self.key) else { return refuse("AUTH_KEY_UNREGISTERED") };
        let Some(account) = entry.half_signed_in.or(entry.account) else { return refuse("AUTH_KEY_UNREGISTERED") };
        let mut secure_random = vec![0; 256];
        rand::rng().fill(&mut secure_random[..]);
        let mut password = tl::types::account::Password { secure_random, ..blank::password(srp::algorithm()) };
        let verifier = self.world.accounts.get(&account).and_then(|account| account.password.as_ref());
        if let Some(verifier) = verifier {
            let (challenge, public) = verifier.challenge();
            password.has_password = true;
            password.current_algo = Some(srp::algorithm());
            password.srp_b = Some(public);
            password.srp_id = Some(challenge.id);
            password.hint = Some("the usual one".to_owned());
            entry.challenge = Some(challenge);
        }
        Ok(password.into())
    }

    fn check_password(&mut self, request: f::auth::CheckPassword) -> Answered<tl::enums::auth::Authorization> {
        let tl::enums::InputCheckPasswordSrp::Srp(proof) = request.password else {
            return refuse("PASSWORD_HASH_INVALID");
        };
        let Some(entry) = self.world.keys.get(&self.key) else { return refuse("AUTH_KEY_UNREGISTERED") };
        let (Some(account), Some(challenge)) = (entry.half_signed_in, &entry.challenge) else {
            return refuse("SRP_ID_INVALID");
        };
        if challenge.id != proof.srp_id {
            return refuse("SRP_ID_INVALID");
        }
        let verifier = self.world.accounts.get(&account).and_then(|account| account.password.as_ref());
        if !verifier.is_some_and(|verifier| verifier.check(challenge, &proof.a, &proof.m1)) {
            return refuse("PASSWORD_HASH_INVALID");
        }
        self.authorize(account)
    }

    fn export_login_token(&mut self, _: f::auth::ExportLoginToken) -> Answered<tl::enums::auth::LoginToken> {
        let accepted = self.world.login_tokens.iter().find_map(|(token, waiting)| {
            let account = waiting.accepted_by.filter(|_| waiting.key == self.key)?;
            Some((token.clone(), account))
        });
        if let Some((token, account)) = accepted {
            let home = self.world.accounts.get(&account).map_or(self.dc, |account| account.home_dc);
            if home != self.dc {
                return Ok(tl::types::auth::LoginTokenMigrateTo { dc_id: home, token }.into());
            }
            return self.redeem(&token, account);
        }
        let mut token = vec![0; 32];
        rand::rng().fill(&mut token[..]);
        self.world.login_tokens.insert(token.clone(), LoginToken { key: self.key, accepted_by: None });
        Ok(tl::types::auth::LoginToken { expires: now() + TOKEN_LIFE, token }.into())
    }

    fn import_login_token(&mut self, request: f::auth::ImportLoginToken) -> Answered<tl::enums::auth::LoginToken> {
        match self.world.login_tokens.get(&request.token).and_then(|waiting| waiting.accepted_by) {
            Some(account) => self.redeem(&request.token, account),
            None => refuse("AUTH_TOKEN_INVALID"),
        }
    }

    fn redeem(&mut self, token: &[u8], account: i64) -> Answered<tl::enums::auth::LoginToken> {
        self.world.login_tokens.remove(token);
        let authorization = self.complete(account)?;
        Ok(tl::types::auth::LoginTokenSuccess { authorization }.into())
    }

    fn accept_login_token(&mut self, request: f::auth::AcceptLoginToken) -> Answered<tl::enums::Authorization> {
        let me = self.me()?;
        match self.world.accept_login_token(me, &request.token) {
            Ok(()) => Ok(blank::signed_in_elsewhere(now()).into()),
            Err(_) => refuse("AUTH_TOKEN_INVALID"),
        }
    }

    fn export_authorization(
        &mut self,
        request: f::auth::ExportAuthorization,
    ) -> Answered<tl::enums::auth::ExportedAuthorization> {
        let me = self.me()?;
        if request.dc_id == self.dc || !self.shared.endpoints.contains_key(&request.dc_id) {
            return refuse("DC_ID_INVALID");
        }
        let mut bytes = vec![0; 64];
        rand::rng().fill(&mut bytes[..]);
        self.world.exported.insert(bytes.clone(), (me, request.dc_id));
        Ok(tl::types::auth::ExportedAuthorization { id: me, bytes }.into())
    }

    fn import_authorization(
        &mut self,
        request: f::auth::ImportAuthorization,
    ) -> Answered<tl::enums::auth::Authorization> {
        match self.world.exported.remove(&request.bytes) {
            Some((account, dc)) if account == request.id && dc == self.dc => self.authorize(account),
            _ => refuse("AUTH_BYTES_INVALID"),
        }
    }

    fn import_bot_authorization(
        &mut self,
        request: f::auth::ImportBotAuthorization,
    ) -> Answered<tl::enums::auth::Authorization> {
        let token = Some(request.bot_auth_token);
        let found = self.world.accounts.iter().find(|(_, account)| account.bot_token == token);
        let Some((id, home)) = found.map(|(id, account)| (*id, account.home_dc)) else {
            return refuse("ACCESS_TOKEN_INVALID");
        };
        if home != self.dc {
            return refuse(format!("USER_MIGRATE_{home}"));
        }
        self.authorize(id)
    }

    fn log_out(&mut self, _: f::auth::LogOut) -> Answered<tl::enums::auth::LoggedOut> {
        if let Some(entry) = self.world.keys.get_mut(&self.key) {
            entry.account = None;
            entry.half_signed_in = None;
        }
        Ok(tl::types::auth::LoggedOut { future_auth_token: None }.into())
    }

    fn update_status(&mut self, _: f::account::UpdateStatus) -> Answered<bool> {
        Ok(true)
    }

    fn by_phone(&self, phone: &str) -> Option<i64> {
        let mut accounts = self.world.accounts.iter();
        accounts.find(|(_, account)| account.phone == phone && account.bot_token.is_none()).map(|(id, _)| *id)
    }
}
