//! The two-step password (<https://core.telegram.org/api/srp>).

use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};
use grammers_tl_types as tl;
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::spawn_blocking;

use super::{Result, SignIn, SignInError, Step};
use crate::error::TelegramError;

/// The generators that the protocol knows; over any other the library panics.
const GENERATORS: std::ops::RangeInclusive<i32> = 2..=7;
/// Bytes of the prime.
const PRIME: usize = 256;

/// What checking a password needs. The server's half is used up by one attempt.
pub(super) struct PasswordWanted {
    srp_id: i64,
    srp_b: Vec<u8>,
    salt1: Vec<u8>,
    salt2: Vec<u8>,
    p: Vec<u8>,
    g: i32,
}

impl SignIn {
    /// Asks for what checking the password needs.
    pub(super) async fn want_password(&mut self) -> Result<Step> {
        let tl::enums::account::Password::Password(password) =
            self.pool.ask(&tl::functions::account::GetPassword {}).await?;
        let hint = password.hint.clone().filter(|hint| !hint.is_empty());
        let Some(tl::enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(algorithm)) =
            password.current_algo
        else {
            return Err(SignInError::PasswordNotSupported);
        };
        let (Some(srp_id), Some(srp_b)) = (password.srp_id, password.srp_b) else {
            return Err(SignInError::PasswordNotSupported);
        };
        let tl::types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow { salt1, salt2, g, p } =
            algorithm;
        if !GENERATORS.contains(&g) || p.len() != PRIME || srp_b.len() > PRIME || srp_b.iter().all(|byte| *byte == 0) {
            return Err(SignInError::PasswordNotSupported);
        }
        self.password = Some(PasswordWanted { srp_id, srp_b, salt1, salt2, p, g });
        Ok(Step::Password { hint })
    }

    /// Enters the two-step password.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn enter_password(&mut self, password: &SecretString) -> Result<Step> {
        let wanted = match self.password.take() {
            Some(wanted) => wanted,
            // The server's half of an attempt serves once.
            None => {
                self.want_password().await?;
                self.password.take().ok_or(SignInError::OutOfOrder)?
            }
        };
        let proof = prove(wanted, password.clone()).await?;
        let answer = self.pool.ask(&tl::functions::auth::CheckPassword { password: proof }).await;
        let answer = match answer {
            Err(error) if error.is("SRP_ID_INVALID") || error.is("SRP_PASSWORD_CHANGED") => {
                self.want_password().await?;
                let wanted = self.password.take().ok_or(SignInError::OutOfOrder)?;
                let proof = prove(wanted, password.clone()).await?;
                self.pool.ask(&tl::functions::auth::CheckPassword { password: proof }).await
            }
            other => other,
        };
        let outcome = answer.map_err(SignInError::from)?;
        Box::pin(self.finish(outcome)).await
    }
}

/// Computes the proof, which takes about a second, beside the asynchronous threads.
async fn prove(wanted: PasswordWanted, password: SecretString) -> Result<tl::enums::InputCheckPasswordSrp> {
    let mut secret = vec![0; PRIME];
    rand::rng().fill_bytes(&mut secret);
    let computed = spawn_blocking(move || {
        let PasswordWanted { srp_id, srp_b, salt1, salt2, p, g } = wanted;
        if !check_p_and_g(&p, &g) {
            return None;
        }
        let password = password.expose_secret().as_bytes();
        let (m1, a) = calculate_2fa(&salt1, &salt2, &p, &g, srp_b, secret, password);
        Some(tl::types::InputCheckPasswordSrp { srp_id, a: a.to_vec(), m1: m1.to_vec() })
    });
    let proof = computed.await.map_err(|_| TelegramError::Internal("the password's proof"))?;
    proof.map(Into::into).ok_or(SignInError::PasswordNotSupported)
}
