/** Invented customers, subjects and sentences in the bureau's three languages. */
export type Tongue = 'uk' | 'pl' | 'en';

export interface Person {
  name: string;
  address: string;
  company: boolean;
  tongue: Tongue;
}

export const first: readonly Person[] = [
  { name: 'ТОВ «Приклад-Буд»', address: 'lozovyi@example.org', company: true, tongue: 'uk' },
  { name: 'Kancelaria Przykład', address: 'biuro@kancelaria.example', company: true, tongue: 'pl' },
  { name: 'Олена Вербицька', address: 'olena@example.org', company: false, tongue: 'uk' },
  { name: 'Lumen Example Ltd', address: 'office@lumen.example', company: true, tongue: 'en' },
  { name: 'Agnieszka Brzoza-Przykładowska', address: 'agnieszka@example.pl', company: false, tongue: 'pl' },
  { name: 'Тарас Підкова', address: 'taras.pidkova@example.net', company: false, tongue: 'uk' },
  { name: 'Нотаріальна контора, примірна', address: 'kontora@notar.example', company: true, tongue: 'uk' },
  { name: 'Мирослава Ярова', address: 'm.yarova@example.com', company: false, tongue: 'uk' },
  { name: 'Всеволод Степовий', address: 'v.stepovyi@example.org', company: false, tongue: 'uk' },
  { name: 'Sarah Whitfield', address: 'sarah.whitfield@example.co', company: false, tongue: 'en' },
];

export const given: Record<Tongue, readonly string[]> = {
  uk: ['Олена', 'Тарас', 'Зоряна', 'Мирослава', 'Всеволод', 'Соломія', 'Остап', 'Ярина', 'Назар', 'Богдана', 'Іван', 'Лариса', 'Юрій', 'Катерина', 'Роман'],
  pl: ['Agnieszka', 'Marek', 'Zofia', 'Łukasz', 'Małgorzata', 'Paweł', 'Joanna', 'Tomasz', 'Katarzyna', 'Grzegorz'],
  en: ['Sarah', 'James', 'Emily', 'Oliver', 'Grace', 'Henry', 'Alice', 'Daniel'],
};

export const family: Record<Tongue, readonly string[]> = {
  uk: ['Квітень', 'Степовий', 'Горова', 'Лозовий', 'Підкова', 'Ярова', 'Вербицька', 'Криничний', 'Польовий', 'Березюк', 'Дуб', 'Калинова'],
  pl: ['Brzoza', 'Przykładowski', 'Lipowa', 'Dąbek', 'Wierzbicki', 'Jaworska', 'Sosnowska', 'Klonowicz'],
  en: ['Whitfield', 'Marsh', 'Underhill', 'Fenwick', 'Ashby', 'Thornton'],
};

export const companies: Record<Tongue, readonly string[]> = {
  uk: ['ТОВ «Зразок Транс»', 'ПП «Приміром»', 'Агенція «Скажімо»', 'ТОВ «Умовний дім»', 'Клініка «Наприклад»'],
  pl: ['Przykład Sp. z o.o.', 'Biuro Wzorcowe', 'Notariusz Umowny', 'Logistyka Próbna S.A.'],
  en: ['Sample Freight Ltd', 'Instance & Partners', 'Placeholder Clinic', 'Specimen Books'],
};

export const subjects: Record<Tongue, readonly string[]> = {
  uk: ['Тендерна документація, лот 4', 'Переклад договору оренди', 'Диплом і додаток, обидві сторони', 'Довіреність, три примірники', 'Свідоцтво про шлюб, апостиль', 'Рахунок за листопад', 'Медичний висновок для клініки', 'Акт звірки за III квартал', 'Переклад паспорта польською', 'Інструкція до обладнання, 84 сторінки', 'Терміново: довідка про доходи'],
  pl: ['Odpis aktu urodzenia', 'Faktura 2026/11/084', 'Tłumaczenie przysięgłe umowy', 'Świadectwo pracy, apostille', 'Pytanie o wycenę', 'Pełnomocnictwo notarialne', 'Termin odbioru dokumentów'],
  en: ['Quote for the user manual, 84 pages', 'Certified translation of a diploma', 'Clinical trial consent forms', 'Purchase order 4471', 'Deadline for the tender', 'Marriage certificate with apostille'],
};

export const openings: Record<Tongue, readonly string[]> = {
  uk: ['Добрий день!', 'Вітаю!', 'Доброго ранку, пані Ірино!', 'Добрий день, пане Марку!'],
  pl: ['Dzień dobry,', 'Szanowni Państwo,', 'Witam serdecznie,'],
  en: ['Good morning,', 'Hello,', 'Dear team,'],
};

export const bodies: Record<Tongue, readonly string[]> = {
  uk: [
    'Надсилаємо решту файлів до лота 4. Прошу врахувати, що додаток 3 потрібен двома мовами, англійською та польською. Креслення перекладати не треба, лише написи в штампі.',
    'Потрібен переклад договору оренди польською, із засвідченням. Оригінал у мене на руках, скани у вкладенні.',
    'Скільки коштуватиме переклад диплома з додатком? І чи встигнете до п’ятниці?',
    'Дякую, усе читається. Чекаю на остаточну суму та реквізити для оплати.',
    'Просимо надіслати акт виконаних робіт і рахунок на нашу електронну адресу. Реквізити: https://example.org/rekvizyty.',
    'Чи можна забрати готовий переклад завтра зранку? Якщо ні, прошу надіслати кур’єром.',
  ],
  pl: [
    'czy tłumaczenie będzie gotowe do piątku? Dokumenty są potrzebne w urzędzie w poniedziałek rano.',
    'w załączeniu przesyłam potwierdzenie przelewu oraz skan dokumentu do tłumaczenia przysięgłego.',
    'proszę o wycenę tłumaczenia umowy najmu na język ukraiński, około 12 stron.',
    'dziękujemy za szybką odpowiedź. Proszę o wystawienie faktury na dane jak poprzednio.',
  ],
  en: [
    'Thank you, the price works for us. Please go ahead and let us know when we can expect the first chapter.',
    'We need a certified translation of the attached diploma into Ukrainian. Could you confirm the turnaround?',
    'Please find the purchase order attached. The deadline is firm, so tell us early if anything is unclear.',
    'Could you keep the numbering of the original? Our engineers refer to it in the drawings.',
  ],
};

export const endings: Record<Tongue, readonly string[]> = {
  uk: ['З повагою', 'Дякую', 'Гарного дня'],
  pl: ['Z poważaniem', 'Pozdrawiam'],
  en: ['Kind regards', 'Many thanks'],
};

export const answers: Record<Tongue, readonly string[]> = {
  uk: ['Вітаю, пане Остапе. За двома файлами виходить 29,6 сторінки, готово буде в середу до 16:00.', 'Добрий день! Так, встигнемо до п’ятниці. Рахунок у вкладенні.'],
  pl: ['Dzień dobry, tak, zdążymy do piątku. Faktura w załączeniu.', 'Dziękujemy, tłumaczenie będzie gotowe w środę.'],
  en: ['Good afternoon, we can deliver on Wednesday by 4 pm. The invoice is attached.', 'Thank you, we have started and will keep the numbering.'],
};

export const files: readonly { name: string; mime: string; size: number; risky: boolean }[] = [
  { name: 'Лот 4, технічні вимоги.pdf', mime: 'application/pdf', size: 1_912_400, risky: false },
  { name: 'Додаток 3, відомість обсягів.xlsx', mime: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', size: 212_100, risky: false },
  { name: 'Договір оренди 14-К (чистовий).docx', mime: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', size: 84_300, risky: false },
  { name: 'Dyplom_tłumaczenie_v2.pdf', mime: 'application/pdf', size: 640_000, risky: false },
  { name: 'Паспорт, сторінки 1-2.jpg', mime: 'image/jpeg', size: 2_480_000, risky: false },
  { name: 'Purchase order 4471.pdf', mime: 'application/pdf', size: 96_000, risky: false },
  { name: 'скан документа за вхідним номером 2026-11-22-00417, друга частина з печаткою.pdf', mime: 'application/pdf', size: 3_310_000, risky: false },
  { name: 'archiwum.zip', mime: 'application/zip', size: 8_200_000, risky: true },
];
