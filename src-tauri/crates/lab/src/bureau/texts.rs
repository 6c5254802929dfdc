//! What customers and the bureau write, in three languages.
//!
//! `{doc}` is a document, `{pair}` a pair of languages, `{pages}`, `{price}`, `{number}` numbers, `{day}` a day of
//! the week, `{name}` the other person's first name.

/// A language of the bureau's customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Ukrainian,
    Polish,
    English,
}

pub(super) struct Texts {
    pub(super) first_names: &'static [(&'static str, &'static str)],
    pub(super) last_names: &'static [(&'static str, &'static str)],
    pub(super) companies: &'static [(&'static str, &'static str)],
    pub(super) documents: &'static [&'static str],
    pub(super) pairs: &'static [&'static str],
    pub(super) days: &'static [&'static str],
    pub(super) subjects: &'static [&'static str],
    /// How customers address the bureau's manager.
    pub(super) manager: &'static str,
    pub(super) greetings: &'static [&'static str],
    pub(super) requests: &'static [&'static str],
    pub(super) details: &'static [&'static str],
    pub(super) follow_ups: &'static [&'static str],
    pub(super) answers: &'static [&'static str],
    pub(super) closings: &'static [&'static str],
    pub(super) wrote: &'static str,
    pub(super) file_names: &'static [&'static str],
}

impl Language {
    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::Ukrainian => &UKRAINIAN,
            Self::Polish => &POLISH,
            Self::English => &ENGLISH,
        }
    }
}

#[rustfmt::skip] // One name a line would bury the words.
static UKRAINIAN: Texts = Texts {
    first_names: &[
        ("Олена", "olena"), ("Андрій", "andrii"), ("Марія", "mariia"), ("Тарас", "taras"), ("Наталія", "nataliia"),
        ("Ігор", "ihor"), ("Софія", "sofiia"), ("Богдан", "bohdan"), ("Ірина", "iryna"), ("Василь", "vasyl"),
        ("Юлія", "yuliia"), ("Олексій", "oleksii"), ("Соломія", "solomiia"), ("Максим", "maksym"),
        ("Ґаля", "galia"), ("Єва", "yeva"),
    ],
    last_names: &[
        ("Шевченко", "shevchenko"), ("Коваленко", "kovalenko"), ("Мельник", "melnyk"), ("Бондаренко", "bondarenko"),
        ("Ткачук", "tkachuk"), ("Кравець", "kravets"), ("Олійник", "oliinyk"), ("Лисенко", "lysenko"),
        ("Савчук", "savchuk"), ("Гончар", "honchar"), ("Яремчук", "yaremchuk"), ("Поліщук", "polishchuk"),
        ("Їжакевич", "yizhakevych"), ("Дзюба", "dziuba"),
    ],
    companies: &[
        ("ТОВ «Карпати Логістик»", "karpaty-logistyk"), ("ПП «Дніпро Агро»", "dnipro-agro"),
        ("Юридична компанія «Право і слово»", "pravo-slovo"), ("Клініка «Здоров’я»", "zdorovia"),
        ("ТОВ «Львівська кава»", "lviv-kava"), ("Видавництво «Абетка»", "abetka"), ("ІТ-студія «Код»", "kod-studio"),
    ],
    documents: &[
        "договір купівлі-продажу", "диплом з додатком", "свідоцтво про народження", "довіреність", "медична виписка",
        "статут товариства", "технічний паспорт", "судове рішення", "інструкція з експлуатації",
        "свідоцтво про шлюб", "довідка про несудимість", "фінансова звітність за рік",
    ],
    pairs: &["укр-пол", "пол-укр", "укр-англ", "англ-укр", "укр-нім", "укр-чеська", "італ-укр"],
    days: &["понеділка", "вівторка", "середи", "четверга", "п’ятниці"],
    subjects: &[
        "Переклад: {doc} ({pair})", "Запит на переклад, {pages} стор.", "Терміново: {doc}", "Скільки коштує {doc}?",
        "Апостиль і переклад: {doc}", "Замовлення № {number}", "Рахунок № {number}", "Нотаріальний переклад ({pair})",
        "Питання щодо замовлення {number}", "Документи для посольства",
    ],
    manager: "Ірино",
    greetings: &["Доброго дня!", "Вітаю!", "Добрий день, {name}!", "Шановні колеги!", "Доброго ранку, {name},"],
    requests: &[
        "Потрібен переклад: {doc}, {pair}, приблизно {pages} сторінок.",
        "Підкажіть, будь ласка, скільки коштуватиме {doc} ({pair}) з нотаріальним засвідченням?",
        "Надсилаю документи на переклад. Це {doc}, всього {pages} стор.",
        "Хочемо замовити переклад для подачі в консульство: {doc}.",
        "Чи встигнете перекласти до {day}? Документ: {doc}.",
        "Прошу порахувати вартість і строк. У вкладенні {doc}.",
    ],
    details: &[
        "Імена прошу писати так, як у закордонному паспорті.", "Печатки та підписи теж треба перекласти.",
        "Оригінал можемо привезти в офіс у будь-який день після 14:00.",
        "Для нас важливо зберегти верстку та нумерацію.", "Скан трохи нечіткий на останній сторінці, скажіть, якщо не видно.",
        "Оплата від юридичної особи, реквізити надішлю окремо.", "Термінологію узгоджували з вами минулого року.",
    ],
    follow_ups: &[
        "Дякую, ціна {price} грн підходить. Можете починати.", "Підтверджую замовлення, передоплату щойно надіслали.",
        "Знайшли помилку в даті на сторінці 2, виправте, будь ласка.", "Чи є вже готова чернетка?",
        "Додаю ще одну сторінку, її забули відсканувати.", "Усе отримали, дуже дякуємо за швидкість!",
        "А чи можна забрати в суботу?",
    ],
    answers: &[
        "дякуємо за звернення. Вартість {price} грн, буде готово до {day}.",
        "переклад готовий, надсилаємо у вкладенні. Перевірте, будь ласка, написання імен.",
        "прийняли в роботу, орієнтовно {pages} стор. Рахунок № {number} у вкладенні.",
        "так, встигнемо до {day}. Потрібен чіткий скан останньої сторінки.",
        "виправили й надсилаємо нову версію.", "чекаємо на вас в офісі, папери готові з 10:00.",
    ],
    closings: &["З повагою,", "Дякую наперед,", "Гарного дня!", "Щиро,"],
    wrote: "пише",
    file_names: &["договір", "скан паспорта", "рахунок", "диплом", "довіреність", "переклад готовий"],
};

#[rustfmt::skip] // One name a line would bury the words.
static POLISH: Texts = Texts {
    first_names: &[
        ("Agnieszka", "agnieszka"), ("Paweł", "pawel"), ("Małgorzata", "malgorzata"), ("Łukasz", "lukasz"),
        ("Katarzyna", "katarzyna"), ("Michał", "michal"), ("Zofia", "zofia"), ("Grzegorz", "grzegorz"),
        ("Joanna", "joanna"), ("Wojciech", "wojciech"), ("Świętosława", "swietoslawa"), ("Jan", "jan"),
    ],
    last_names: &[
        ("Kowalska", "kowalska"), ("Wiśniewski", "wisniewski"), ("Dąbrowska", "dabrowska"), ("Zieliński", "zielinski"),
        ("Woźniak", "wozniak"), ("Szymańska", "szymanska"), ("Kaczmarek", "kaczmarek"), ("Jabłoński", "jablonski"),
        ("Krawczyk", "krawczyk"), ("Źródlana", "zrodlana"),
    ],
    companies: &[
        ("Kancelaria Prawna Lex", "kancelaria-lex"), ("Gdańska Żegluga Sp. z o.o.", "zegluga"),
        ("Biuro Rachunkowe Bilans", "bilans"), ("Wydawnictwo Żuraw", "zuraw"), ("Przychodnia Zdrowie", "przychodnia"),
    ],
    documents: &[
        "umowa o pracę", "akt urodzenia", "dyplom ukończenia studiów", "pełnomocnictwo", "zaświadczenie o niekaralności",
        "instrukcja obsługi", "wyrok sądu", "sprawozdanie finansowe", "karta informacyjna leczenia", "akt małżeństwa",
    ],
    pairs: &["pol-ukr", "ukr-pol", "pol-ang", "ang-pol", "pol-niem"],
    days: &["poniedziałku", "wtorku", "środy", "czwartku", "piątku"],
    subjects: &[
        "Tłumaczenie: {doc} ({pair})", "Zapytanie o wycenę, {pages} str.", "Pilne: {doc}", "Faktura nr {number}",
        "Tłumaczenie przysięgłe ({pair})", "Zamówienie {number}", "Pytanie do zlecenia {number}", "Dokumenty do urzędu",
    ],
    manager: "Pani Ireno",
    greetings: &["Dzień dobry!", "Szanowni Państwo,", "Dzień dobry, {name},", "Witam serdecznie,"],
    requests: &[
        "Proszę o wycenę tłumaczenia: {doc}, {pair}, około {pages} stron.",
        "Potrzebujemy tłumaczenia przysięgłego. Dokument to {doc}.",
        "W załączniku przesyłam skan: {doc}. Czy zdążą Państwo do {day}?",
        "Ile kosztuje {doc} ({pair}) w trybie pilnym?", "Chcielibyśmy zlecić tłumaczenie: {doc}, {pages} str.",
    ],
    details: &[
        "Nazwiska proszę pisać tak jak w paszporcie.", "Proszę zachować układ tabel i numerację.",
        "Oryginał mogę dostarczyć do biura po godzinie 15.", "Fakturę proszę wystawić na firmę.",
        "Pieczęcie również wymagają tłumaczenia.",
    ],
    follow_ups: &[
        "Dziękuję, cena {price} zł nam odpowiada. Proszę zaczynać.", "Potwierdzam zlecenie, zaliczka wysłana.",
        "Na stronie 3 jest błąd w dacie, proszę o poprawkę.", "Kiedy możemy się spodziewać gotowego tekstu?",
        "Wszystko dotarło, bardzo dziękujemy!", "Przesyłam brakującą stronę.",
    ],
    answers: &[
        "dziękujemy za wiadomość. Koszt to {price} zł, termin do {day}.",
        "tłumaczenie gotowe, przesyłamy w załączniku. Prosimy o sprawdzenie nazwisk.",
        "przyjęliśmy do realizacji, faktura nr {number} w załączniku.", "poprawiliśmy, przesyłamy nową wersję.",
        "tak, zdążymy do {day}. Prosimy o wyraźniejszy skan.",
    ],
    closings: &["Z poważaniem", "Pozdrawiam serdecznie", "Z góry dziękuję", "Miłego dnia!"],
    wrote: "pisze",
    file_names: &["umowa", "skan dowodu", "faktura", "świadectwo", "pełnomocnictwo", "tłumaczenie gotowe"],
};

#[rustfmt::skip] // One name a line would bury the words.
static ENGLISH: Texts = Texts {
    first_names: &[
        ("Emma", "emma"), ("James", "james"), ("Sinéad", "sinead"), ("Oliver", "oliver"), ("Grace", "grace"),
        ("Daniel", "daniel"), ("Chloë", "chloe"), ("Henry", "henry"), ("Amara", "amara"), ("Noah", "noah"),
    ],
    last_names: &[
        ("Walker", "walker"), ("O’Brien", "obrien"), ("Hughes", "hughes"), ("Patel", "patel"), ("Müller", "mueller"),
        ("Novak", "novak"), ("Fraser", "fraser"), ("Okafor", "okafor"), ("Lindqvist", "lindqvist"),
    ],
    companies: &[
        ("Northwind Legal LLP", "northwind-legal"), ("Harbour Medical Devices", "harbour-medical"),
        ("Atlas Freight Ltd", "atlas-freight"), ("Bright Path Education", "bright-path"), ("Lumen Games", "lumen-games"),
    ],
    documents: &[
        "sales agreement", "birth certificate", "diploma with transcript", "power of attorney", "user manual",
        "court ruling", "annual report", "medical record", "patent claims", "website copy",
    ],
    pairs: &["UK-EN", "EN-UK", "EN-PL", "PL-EN", "EN-DE"],
    days: &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
    subjects: &[
        "Quote request: {doc} ({pair})", "Translation of {pages} pages", "Urgent: {doc}", "Invoice {number}",
        "Certified translation ({pair})", "Order {number}", "Question about order {number}", "Embassy paperwork",
    ],
    manager: "Irena",
    greetings: &["Hello,", "Good morning,", "Dear {name},", "Hi there,", "Dear team,"],
    requests: &[
        "We need a translation of a {doc}, {pair}, about {pages} pages.", "Could you quote for a certified {doc} ({pair})?",
        "Please find attached our {doc}. Is {day} possible?", "What would a {doc} of {pages} pages cost?",
        "We would like to order the translation of a {doc} for a filing.",
    ],
    details: &[
        "Please spell the names as in the passport.", "The layout and the numbering should stay as they are.",
        "We can bring the original to your office.", "The invoice should be made out to the company.",
        "Stamps and signatures need to be translated as well.",
    ],
    follow_ups: &[
        "Thank you, {price} EUR works for us. Please go ahead.", "Confirmed, the advance payment is on its way.",
        "There is a wrong date on page 2, could you correct it?", "Is there a draft we could look at?",
        "Everything arrived, thank you for the quick work!", "I am adding the page we forgot to scan.",
    ],
    answers: &[
        "thank you for your message. The price is {price} EUR, ready by {day}.",
        "your translation is attached. Please check the spelling of the names.",
        "we have started; invoice {number} is attached.", "corrected, please find the new version attached.",
        "yes, {day} works. We need a clearer scan of the last page.",
    ],
    closings: &["Kind regards,", "Best wishes,", "Many thanks,", "Yours sincerely,"],
    wrote: "wrote",
    file_names: &["agreement", "passport scan", "invoice", "diploma", "power of attorney", "translation final"],
};
