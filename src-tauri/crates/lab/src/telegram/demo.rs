//! The bureau's Telegram for the demo: two accounts, customers in three languages, a group, files, and somebody who
//! writes once more whenever asked.

use anyhow::{Context, Result};
use grammers_tl_types as tl;
use time::{Duration, OffsetDateTime};

use super::{AccountId, Chat, Forward, Media, Message, MessageId, Network, NewAccount, NewUser, Picture, Push, UserId};
use crate::bureau::files;

/// What somebody goes on to write.
enum Later {
    Text(&'static str),
    /// To the translators' group.
    Group(&'static str),
    /// A photo with words under it.
    Photo(&'static str),
    /// Three photos as one.
    Album(&'static str),
    /// A voice message of so many seconds.
    Voice(u32),
}

/// Which customers go on to write what, in turn.
const LATER: [(usize, Later); 12] = [
    (0, Later::Text("Доброго дня! Чи готовий уже переклад диплома?")),
    (1, Later::Text("Dzień dobry, czy mogę odebrać dokumenty w czwartek?")),
    (3, Later::Photo("Ось довіреність. Скільки коштує апостиль?")),
    (2, Later::Text("Could you also certify the second page, please?")),
    (0, Later::Voice(4)),
    (3, Later::Group("Хто візьме технічний паспорт, німецька → українська?")),
    (1, Later::Album("Trzy strony świadectwa, proszę o wycenę.")),
    (0, Later::Text("Дякую! Заберу після обіду.")),
    (2, Later::Text("The consulate asks for the stamp on every page. Is that a problem?")),
    (0, Later::Group("Можу я, до середи.")),
    (1, Later::Text("Przelew wysłany, potwierdzenie w załączniku wyślę mailem.")),
    (3, Later::Text("І ще одне питання: чи потрібен оригінал?")),
];

/// Accounts and chats that live.
pub struct Demo {
    /// The account for orders and the one for the translators.
    pub accounts: [AccountId; 2],
    pub customers: Vec<UserId>,
    pub group: Chat,
    pub forum: Chat,
    pub channel: Chat,
    next: usize,
}

impl Demo {
    /// Makes the accounts and lets everybody have written in the days before `until`.
    pub fn play(network: &Network, until: OffsetDateTime) -> Result<Self> {
        let account = |phone: &str, first_name: &str, last_name: &str| {
            network.add_account(NewAccount {
                phone: phone.to_owned(),
                first_name: first_name.to_owned(),
                last_name: Some(last_name.to_owned()),
                ..NewAccount::default()
            })
        };
        let orders = account("380445550101", "Бюро «Слово»", "Замовлення")?;
        let office = account("48225550102", "Biuro Słowo", "Warszawa")?;
        let customer = |first_name: &str, last_name: &str, username: Option<&str>| {
            network.add_user(NewUser {
                first_name: first_name.to_owned(),
                last_name: Some(last_name.to_owned()),
                username: username.map(str::to_owned),
                ..NewUser::default()
            })
        };
        let customers = vec![
            customer("Олена", "Шевченко", Some("olena_sh")),
            customer("Agnieszka", "Wiśniewska", None),
            customer("James", "Whitfield", Some("jwhitfield")),
            customer("Тарас", "Їжакевич", None),
        ];
        for (customer, seed) in customers.iter().zip(1..) {
            network.set_photo(*customer, picture(160, 160, seed));
        }
        let [olena, agnieszka, james, taras] = customers[..] else { anyhow::bail!("There are four customers") };
        let (o, w) = (orders.user(), office.user());
        let group = network.add_group("Перекладачі «Слово»", &[o, w, olena, taras]);
        let forum = network.add_supergroup("Замовлення і строки", &[o, w, taras], &["Терміново", "Бухгалтерія"]);
        let channel = network.add_channel("Новини присяжних перекладачів", &[james, o, w]);
        let mut demo = Self { accounts: [orders, office], customers, group, forum, channel, next: 0 };
        let story = Story { network, until };
        story.olena(&demo, olena)?;
        story.agnieszka(&demo, agnieszka)?;
        story.others(&mut demo, [olena, james, taras])?;
        Ok(demo)
    }

    /// Lets a customer read what was answered and write once more, pushed to whoever listens. Answers with the message,
    /// of an album the first.
    pub fn customer_writes(&mut self, network: &Network) -> Result<MessageId> {
        let (who, later) = &LATER[self.next % LATER.len()];
        let account = self.accounts[usize::from(*who == 1)];
        let customer = *self.customers.get(*who).context("There is no such customer")?;
        let round = self.next / LATER.len();
        let seed = 30 + u32::try_from(self.next).unwrap_or(0);
        self.next += 1;
        let words = |text: &str| if round == 0 { text.to_owned() } else { format!("{text} ({round})") };
        let answered = network.sent_by(account).into_iter().rfind(|sent| sent.chat == customer.into());
        if let Some(answered) = answered {
            network.read(customer, answered.message, Push::Pushed)?;
        }
        let chat = if matches!(later, Later::Group(_)) { self.group } else { account.into() };
        network.typing(customer, chat);
        match later {
            Later::Text(text) | Later::Group(text) => network.send(customer, chat, words(text), Push::Pushed),
            Later::Photo(text) => network.send(customer, chat, photo(seed, words(text)), Push::Pushed),
            Later::Voice(seconds) => {
                let voice = Media::Voice {
                    bytes: files::voice(*seconds),
                    seconds: seconds.cast_signed(),
                    waveform: files::waveform(),
                };
                network.send(customer, chat, voice, Push::Pushed)
            }
            Later::Album(text) => {
                let album =
                    vec![photo(seed, words(text)), photo(seed + 1, String::new()), photo(seed + 2, String::new())];
                let sent = network.send_album(customer, chat, album, Push::Pushed)?;
                sent.first().copied().context("The album is empty")
            }
        }
    }
}

/// Tells the past.
struct Story<'a> {
    network: &'a Network,
    until: OffsetDateTime,
}

impl Story<'_> {
    fn say(
        &self,
        minutes_ago: i64,
        from: impl Into<UserId>,
        to: impl Into<Chat>,
        message: impl Into<Message>,
    ) -> Result<MessageId> {
        let message = Message { at: Some(self.until - Duration::minutes(minutes_ago)), ..message.into() };
        self.network.send(from, to, message, Push::Silent)
    }

    fn olena(&self, demo: &Demo, olena: UserId) -> Result<()> {
        let orders = demo.accounts[0];
        self.say(3000, olena, orders, "Доброго дня! Потрібен переклад диплома з додатком, українська → польська.")?;
        let photo = Media::Photo { full: picture(900, 1270, 11), thumb: Some(picture(225, 318, 11)) };
        let scan =
            self.say(2995, olena, orders, Message { text: "Ось скан першої сторінки".to_owned(), ..photo.into() })?;
        let price = "Дякуємо! 4 сторінки, разом 1 480 грн, буде готово до четверга.";
        let bold = tl::types::MessageEntityBold { offset: 27, length: 9 };
        let answer = Message { reply_to: Some(scan), entities: vec![bold.into()], ..price.into() };
        let answer = self.say(2940, orders, olena, answer)?;
        self.say(2930, olena, orders, Message { reply_to: Some(answer), .."Підходить, починайте.".into() })?;
        self.network.react(olena, answer, Some("👍"), Push::Silent)?;
        let pdf = Media::Document {
            name: "Диплом Шевченко UA-PL.pdf".to_owned(),
            mime: "application/pdf".to_owned(),
            bytes: files::pdf(&["Slovo translation bureau", "Dyplom ukonczenia studiow"]),
            thumb: None,
        };
        self.say(600, orders, olena, Message { text: "Чернетка на перевірку".to_owned(), ..pdf.into() })?;
        let voice = Media::Voice { bytes: files::voice(7), seconds: 7, waveform: files::waveform() };
        self.say(540, olena, orders, voice)?;
        let typo = self.say(520, olena, orders, "Прізвище пишіть як у паспорті: Shevcenko")?;
        self.network.edit(typo, "Прізвище пишіть як у паспорті: Shevchenko", Push::Silent)?;
        self.network.call(olena, orders, None, Push::Silent)?;
        Ok(())
    }

    fn agnieszka(&self, demo: &Demo, agnieszka: UserId) -> Result<()> {
        let office = demo.accounts[1];
        self.say(
            1500,
            agnieszka,
            office,
            "Dzień dobry, potrzebuję tłumaczenia przysięgłego aktu urodzenia (ukr-pol).",
        )?;
        self.say(1480, office, agnieszka, "Dzień dobry! 95 zł, gotowe w piątek. Proszę o zdjęcie lub skan.")?;
        let album = [21, 22, 23].map(|seed| {
            let photo = Media::Photo { full: picture(600, 848, seed), thumb: Some(picture(150, 212, seed)) };
            Message { at: Some(self.until - Duration::minutes(1440)), ..photo.into() }
        });
        self.network.send_album(agnieszka, office, album.into(), Push::Silent)?;
        self.say(1300, office, agnieszka, "Dziękujemy, wszystko czytelne.")?;
        let place = Media::Location { latitude: 52.2297, longitude: 21.0122 };
        self.say(90, agnieszka, office, place)?;
        self.say(89, agnieszka, office, "Jestem w okolicy, czy mogę wpaść?")?;
        Ok(())
    }

    fn others(&self, demo: &mut Demo, [olena, james, taras]: [UserId; 3]) -> Result<()> {
        let [orders, office] = demo.accounts;
        self.say(
            2000,
            james,
            orders,
            "Hello! How much is a certified translation of a 12-page contract, English to Ukrainian?",
        )?;
        self.say(1990, orders, james, "Good morning! About 5 working days, 4,200 UAH with certification.")?;
        self.say(200, james, orders, "Sounds good. Whom do I send the invoice details to?")?;
        let news = self.say(1200, james, demo.channel, "Нові вимоги до апостиля з 1 січня: що змінюється для бюро.")?;
        let forward = Message {
            forward: Some(Forward::Post(news)), .."Нові вимоги до апостиля з 1 січня.".into()
        };
        self.say(1190, taras, orders, forward)?;
        self.say(1100, olena, demo.group, "Колеги, хто вільний завтра о 10:00 на усний переклад?")?;
        let offer = self.say(1090, taras, demo.group, "Я можу.")?;
        self.say(1080, orders, demo.group, Message { reply_to: Some(offer), .."Чудово, записую.".into() })?;
        let urgent = self.network.topics(demo.forum).iter().find(|(_, title)| title == "Терміново").map(|(id, _)| *id);
        self.say(
            300,
            taras,
            demo.forum,
            Message {
                topic: urgent, .."Договір на 40 сторінок до понеділка, хто візьме?".into()
            },
        )?;
        self.say(290, office, demo.forum, Message { topic: urgent, .."Weźmiemy 20 stron w Warszawie.".into() })?;
        self.network.post_login_code(orders, "48213", Push::Silent)?;
        Ok(())
    }
}

fn picture(width: u32, height: u32, seed: u32) -> Picture {
    Picture { bytes: files::png(width, height, seed), width: width.cast_signed(), height: height.cast_signed() }
}

/// A photo of a page with words under it.
fn photo(seed: u32, text: String) -> Message {
    let media = Media::Photo { full: picture(600, 848, seed), thumb: Some(picture(150, 212, seed)) };
    Message { text, ..media.into() }
}
