//! What the program says outside its window, in the three languages: notices and the tray.

use skrynka_core::{model::ServiceKind, profile::Settings};

/// A language that the program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Ukrainian,
    English,
    Polish,
}

impl Language {
    /// The chosen language; the system's where none was chosen, and English where the program does not speak that.
    pub fn of(settings: &Settings) -> Self {
        let tag = settings.language.clone().or_else(sys_locale::get_locale).unwrap_or_default();
        match tag.get(..2).unwrap_or_default() {
            "uk" => Self::Ukrainian,
            "pl" => Self::Polish,
            _ => Self::English,
        }
    }

    const fn pick(self, [ukrainian, english, polish]: [&'static str; 3]) -> &'static str {
        match self {
            Self::Ukrainian => ukrainian,
            Self::English => english,
            Self::Polish => polish,
        }
    }

    pub const fn app(self) -> &'static str {
        self.pick(["Скринька", "Skrynka", "Skrynka"])
    }

    pub const fn open(self) -> &'static str {
        self.pick(["Відкрити Скриньку", "Open Skrynka", "Otwórz Skrynkę"])
    }

    pub const fn do_not_disturb(self) -> &'static str {
        self.pick(["Не турбувати", "Do not disturb", "Nie przeszkadzać"])
    }

    pub const fn quit(self) -> &'static str {
        self.pick(["Вийти", "Quit", "Zakończ"])
    }

    pub const fn goes_on(self) -> &'static str {
        self.pick(["Скринька працює далі", "Skrynka keeps running", "Skrynka działa dalej"])
    }

    pub const fn goes_on_text(self) -> &'static str {
        self.pick([
            "Пошта й чати надходять і без вікна. Вийти можна через значок у треї, змінити це — в налаштуваннях.",
            "Mail and chats keep arriving without the window. Quit from the tray icon; change this in the settings.",
            "Poczta i czaty przychodzą także bez okna. Zakończyć można z ikony w zasobniku, zmienić to – w ustawieniach.",
        ])
    }

    /// The line over what is quoted in an answer.
    pub fn wrote(self, date: &str, author: &str) -> String {
        match self {
            Self::Ukrainian => format!("{date}, {author} пише:"),
            Self::English => format!("On {date}, {author} wrote:"),
            Self::Polish => format!("{date}, {author} pisze:"),
        }
    }

    /// The line over words that are passed on to another conversation.
    pub fn passed_on_from(self, author: &str, date: &str) -> String {
        match self {
            Self::Ukrainian => format!("Переслано. {author}, {date}:"),
            Self::English => format!("Forwarded. {author}, {date}:"),
            Self::Polish => format!("Przekazane. {author}, {date}:"),
        }
    }

    /// The lines over a mail that is passed on.
    pub fn passed_on(self, author: &str, date: &str, subject: &str, to: &str) -> String {
        let [mark, from, at, about, towards] = match self {
            Self::Ukrainian => ["Переслане повідомлення", "Від", "Дата", "Тема", "Кому"],
            Self::English => ["Forwarded message", "From", "Date", "Subject", "To"],
            Self::Polish => ["Przekazana wiadomość", "Od", "Data", "Temat", "Do"],
        };
        format!("---------- {mark} ----------\n{from}: {author}\n{at}: {date}\n{about}: {subject}\n{towards}: {to}")
    }

    pub const fn no_text(self) -> &'static str {
        self.pick(["Без тексту", "No text", "Bez tekstu"])
    }

    /// What a service line that asks for something says.
    pub const fn service(self, kind: ServiceKind) -> Option<&'static str> {
        if matches!(kind, ServiceKind::MissedCall) {
            Some(self.pick(["Пропущений дзвінок", "Missed call", "Nieodebrane połączenie"]))
        } else if matches!(kind, ServiceKind::SecretChat) {
            Some(self.pick([
                "Секретний чат: його видно лише на телефоні",
                "Secret chat: it is on the phone only",
                "Tajny czat: widać go tylko w telefonie",
            ]))
        } else {
            None
        }
    }

    /// What a message is that is not text.
    pub fn media(self, word: &str) -> &'static str {
        self.pick(match word {
            "photo" => ["Фото", "Photo", "Zdjęcie"],
            "video" => ["Відео", "Video", "Film"],
            "video_note" => ["Відеоповідомлення", "Video message", "Wiadomość wideo"],
            "voice" => ["Голосове повідомлення", "Voice message", "Wiadomość głosowa"],
            "audio" => ["Аудіозапис", "Audio", "Nagranie"],
            "animation" => ["Анімація", "Animation", "Animacja"],
            "sticker" => ["Стікер", "Sticker", "Naklejka"],
            "location" => ["Місце на мапі", "Location", "Miejsce na mapie"],
            "contact" => ["Контакт", "Contact", "Kontakt"],
            "poll" => ["Опитування", "Poll", "Ankieta"],
            "unsupported" => [
                "Повідомлення, якого Скринька ще не показує",
                "A message Skrynka cannot show yet",
                "Wiadomość, której Skrynka jeszcze nie pokazuje",
            ],
            _ => ["Файл", "File", "Plik"],
        })
    }

    /// So many new messages.
    pub fn new_messages(self, n: u32) -> String {
        let word = match (self, form(self, n)) {
            (Self::Ukrainian, Form::One) => "нове повідомлення",
            (Self::Ukrainian, Form::Few) => "нові повідомлення",
            (Self::Ukrainian, Form::Many) => "нових повідомлень",
            (Self::English, Form::One) => "new message",
            (Self::English, Form::Few | Form::Many) => "new messages",
            (Self::Polish, Form::One) => "nowa wiadomość",
            (Self::Polish, Form::Few) => "nowe wiadomości",
            (Self::Polish, Form::Many) => "nowych wiadomości",
        };
        format!("{n} {word}")
    }

    /// In so many conversations.
    pub fn in_conversations(self, n: u32) -> String {
        match (self, form(self, n)) {
            (Self::Ukrainian, Form::One) => format!("в {n} розмові"),
            (Self::Ukrainian, Form::Few | Form::Many) => format!("у {n} розмовах"),
            (Self::English, Form::One) => format!("in {n} conversation"),
            (Self::English, Form::Few | Form::Many) => format!("in {n} conversations"),
            (Self::Polish, Form::One) => format!("w {n} rozmowie"),
            (Self::Polish, Form::Few | Form::Many) => format!("w {n} rozmowach"),
        }
    }

    /// So many conversations are unread.
    pub fn unread(self, n: u32) -> String {
        match self {
            Self::Ukrainian => format!("{}: непрочитаних розмов {n}", self.app()),
            Self::English => format!("{}: unread conversations {n}", self.app()),
            Self::Polish => format!("{}: nieprzeczytanych rozmów {n}", self.app()),
        }
    }
}

/// The plural forms of whole numbers (Unicode CLDR).
enum Form {
    One,
    Few,
    Many,
}

const fn form(language: Language, n: u32) -> Form {
    let few = matches!(n % 10, 2..=4) && !matches!(n % 100, 12..=14);
    match language {
        Language::Ukrainian if n % 10 == 1 && n % 100 != 11 => Form::One,
        Language::English | Language::Polish if n == 1 => Form::One,
        Language::Ukrainian | Language::Polish if few => Form::Few,
        Language::Ukrainian | Language::English | Language::Polish => Form::Many,
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_count_takes_the_right_form_in_every_language() {
        for (n, ukrainian, polish) in [
            (1, "1 нове повідомлення", "1 nowa wiadomość"),
            (3, "3 нові повідомлення", "3 nowe wiadomości"),
            (5, "5 нових повідомлень", "5 nowych wiadomości"),
            (11, "11 нових повідомлень", "11 nowych wiadomości"),
            (13, "13 нових повідомлень", "13 nowych wiadomości"),
            (21, "21 нове повідомлення", "21 nowych wiadomości"),
            (302, "302 нові повідомлення", "302 nowe wiadomości"),
        ] {
            assert_eq!(Language::Ukrainian.new_messages(n), ukrainian);
            assert_eq!(Language::Polish.new_messages(n), polish);
        }
        assert_eq!(Language::English.new_messages(1), "1 new message");
        assert_eq!(Language::English.new_messages(21), "21 new messages");
    }
}
