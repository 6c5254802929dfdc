//! Why a sign-in does not go on.

use crate::error::TelegramError;

/// Why a sign-in does not go on. After all but the last two the same step may be tried again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The phone number is not one.
    #[error("this is not a phone number in international form")]
    PhoneInvalid,
    /// The number has no account yet.
    #[error("this number has no Telegram account yet; make one on a phone first")]
    SignUpRequired,
    /// The number is banned.
    #[error("Telegram has banned this number")]
    PhoneBanned,
    /// API ID and hash do not belong together.
    #[error("Telegram does not know this API ID with this hash")]
    ApiIdInvalid,
    /// The API ID was published and is no longer accepted.
    #[error("this API ID has become public and is no longer accepted; register one of your own")]
    ApiIdPublished,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// The code has expired.
    #[error("the code has expired; ask for a new one")]
    ExpiredCode,
    /// Telegram sends the code in a way that only its own programs can take.
    #[error("Telegram wants to send the code in a way that only its own programs can take; use the QR code")]
    CodeNotOffered,
    /// The two-step password is wrong.
    #[error("the two-step password is wrong")]
    WrongPassword,
    /// Telegram's parameters for the password cannot be used.
    #[error("the two-step password cannot be checked by this version")]
    PasswordNotSupported,
    /// The QR code was not scanned in time.
    #[error("the QR code has expired")]
    ExpiredToken,
    /// Telegram wants us to wait.
    #[error("Telegram asks to wait {seconds} s before the next attempt")]
    Flood {
        /// How long.
        seconds: u32,
    },
    /// Too many attempts; Telegram does not say for how long.
    #[error("too many attempts; Telegram asks to try again later")]
    TooManyAttempts,
    /// A step was taken before the one it follows.
    #[error("this step follows another one")]
    OutOfOrder,
    /// Anything else.
    #[error(transparent)]
    Telegram(TelegramError),
}

impl From<TelegramError> for SignInError {
    fn from(error: TelegramError) -> Self {
        match error {
            TelegramError::Banned => Self::PhoneBanned,
            TelegramError::Flood { seconds, .. } => Self::Flood { seconds },
            TelegramError::Refused { ref name, .. } => match name.as_str() {
                "PHONE_NUMBER_INVALID" => Self::PhoneInvalid,
                "PHONE_NUMBER_UNOCCUPIED" => Self::SignUpRequired,
                "API_ID_INVALID" => Self::ApiIdInvalid,
                "API_ID_PUBLISHED_FLOOD" => Self::ApiIdPublished,
                "PHONE_CODE_INVALID" | "PHONE_CODE_EMPTY" => Self::WrongCode,
                "PHONE_CODE_EXPIRED" | "PHONE_CODE_HASH_EMPTY" => Self::ExpiredCode,
                "SEND_CODE_UNAVAILABLE" | "UPDATE_APP_TO_LOGIN" => Self::CodeNotOffered,
                "PASSWORD_HASH_INVALID" => Self::WrongPassword,
                "AUTH_TOKEN_EXPIRED" | "AUTH_TOKEN_INVALID" | "AUTH_TOKEN_ALREADY_ACCEPTED" => Self::ExpiredToken,
                "PHONE_NUMBER_FLOOD" | "PHONE_PASSWORD_FLOOD" => Self::TooManyAttempts,
                _ => Self::Telegram(error),
            },
            other => Self::Telegram(other),
        }
    }
}
