//! Phone number and code.

use std::time::Duration;

use grammers_tl_types as tl;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Result, SignIn, SignInError, Step};
use crate::error::TelegramError;

/// How a code reaches its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeWay {
    /// As a message in Telegram, on another device.
    App,
    /// By SMS.
    Sms,
    /// Told in a phone call.
    Call,
    /// The last digits of the number that calls.
    MissedCall,
    /// By mail.
    Email,
    /// On fragment.com.
    Fragment,
}

/// A code is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeSent {
    /// How it comes.
    pub way: CodeWay,
    /// How many characters it has, where Telegram tells.
    pub length: Option<u32>,
    /// How it would come the next time.
    pub next: Option<CodeWay>,
    /// When another one may be asked for.
    pub again_after: Option<Duration>,
}

/// What entering the code needs.
pub(super) struct Sent {
    phone: String,
    hash: String,
}

/// Reads a phone number as people write it, in international form.
///
/// # Errors
/// It is not one.
pub fn normal_phone(text: &str) -> std::result::Result<String, SignInError> {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_written = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '.' | '\u{a0}');
    let rest = text.strip_prefix('+').unwrap_or(text);
    if !rest.chars().all(is_written) || !(7..=15).contains(&digits.len()) {
        return Err(SignInError::PhoneInvalid);
    }
    Ok(format!("+{digits}"))
}

impl SignIn {
    /// Lets Telegram send a code to a number.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn request_code(&mut self, phone: &str) -> Result<CodeSent> {
        let phone = normal_phone(phone)?;
        let settings = tl::types::CodeSettings {
            allow_flashcall: false,
            current_number: false,
            allow_app_hash: false,
            allow_missed_call: false,
            allow_firebase: false,
            unknown_number: false,
            logout_tokens: None,
            token: None,
            app_sandbox: None,
        };
        let request = tl::functions::auth::SendCode {
            phone_number: phone.clone(),
            api_id: self.app.api_id,
            api_hash: self.app.api_hash.expose_secret().to_owned(),
            settings: settings.into(),
        };
        let answer = match self.pool.ask(&request).await {
            Err(TelegramError::Refused { code: 303, value: Some(dc), .. }) => {
                self.follow(i32::try_from(dc).unwrap_or_default());
                self.pool.ask(&request).await?
            }
            other => other?,
        };
        self.sent(phone, answer)
    }

    /// Lets Telegram send the code again, in the next way.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn request_code_again(&mut self) -> Result<CodeSent> {
        let Sent { phone, hash } = self.code.as_ref().ok_or(SignInError::OutOfOrder)?;
        let (phone_number, phone_code_hash) = (phone.clone(), hash.clone());
        let phone = phone_number.clone();
        let request = tl::functions::auth::ResendCode { phone_number, phone_code_hash, reason: None };
        let answer = self.pool.ask(&request).await?;
        self.sent(phone, answer)
    }

    fn sent(&mut self, phone: String, answer: tl::enums::auth::SentCode) -> Result<CodeSent> {
        let tl::enums::auth::SentCode::Code(sent) = answer else { return Err(SignInError::CodeNotOffered) };
        let (way, length) = way(&sent.r#type).ok_or(SignInError::CodeNotOffered)?;
        self.code = Some(Sent { phone, hash: sent.phone_code_hash });
        Ok(CodeSent {
            way,
            length: length.and_then(|length| u32::try_from(length).ok()),
            next: sent.next_type.as_ref().and_then(next),
            again_after: sent.timeout.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
        })
    }

    /// Enters the code.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn enter_code(&mut self, code: &SecretString) -> Result<Step> {
        let Sent { phone, hash } = self.code.as_ref().ok_or(SignInError::OutOfOrder)?;
        let code: String = code.expose_secret().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if code.is_empty() {
            return Err(SignInError::WrongCode);
        }
        let request = tl::functions::auth::SignIn {
            phone_number: phone.clone(),
            phone_code_hash: hash.clone(),
            phone_code: Some(code),
            email_verification: None,
        };
        let answer = self.pool.ask(&request).await;
        self.signed_in(answer).await
    }

    /// What follows an answer that may sign in.
    pub(super) async fn signed_in(
        &mut self,
        answer: crate::error::Result<tl::enums::auth::Authorization>,
    ) -> Result<Step> {
        match answer {
            Ok(authorization) => Box::pin(self.finish(authorization)).await,
            Err(error) if error.is("SESSION_PASSWORD_NEEDED") => self.want_password().await,
            Err(error) => Err(error.into()),
        }
    }
}

fn way(told: &tl::enums::auth::SentCodeType) -> Option<(CodeWay, Option<i32>)> {
    use tl::enums::auth::SentCodeType as Told;
    Some(match told {
        Told::App(told) => (CodeWay::App, Some(told.length)),
        Told::Sms(told) => (CodeWay::Sms, Some(told.length)),
        Told::SmsWord(_) | Told::SmsPhrase(_) => (CodeWay::Sms, None),
        Told::Call(told) => (CodeWay::Call, Some(told.length)),
        Told::MissedCall(told) => (CodeWay::MissedCall, Some(told.length)),
        Told::EmailCode(told) => (CodeWay::Email, Some(told.length)),
        Told::FragmentSms(told) => (CodeWay::Fragment, Some(told.length)),
        Told::FlashCall(_) | Told::SetUpEmailRequired(_) | Told::FirebaseSms(_) => return None,
    })
}

const fn next(told: &tl::enums::auth::CodeType) -> Option<CodeWay> {
    use tl::enums::auth::CodeType as Told;
    match told {
        Told::Sms => Some(CodeWay::Sms),
        Told::Call => Some(CodeWay::Call),
        Told::MissedCall => Some(CodeWay::MissedCall),
        Told::FragmentSms => Some(CodeWay::Fragment),
        Told::FlashCall => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_read_as_people_write_it() {
        for text in ["+380 (44) 123-45-67", "380441234567", " +380441234567 "] {
            assert_eq!(normal_phone(text).unwrap(), "+380441234567");
        }
        for text in ["", "+", "phone", "+38044x234567", "123", "+12345678901234567", "1+2345678"] {
            assert!(matches!(normal_phone(text), Err(SignInError::PhoneInvalid)), "{text}");
        }
    }
}
