import type { Group } from './emoji';

/** Emoji that a bureau writes, with words for each: Ukrainian, English, Polish. Loaded when the picker first opens. */
export const data: Record<Group, string> = {
  faces: `
😀|усмішка радість|grinning smile|uśmiech radość
😃|усмішка|smiley happy|uśmiech wesoły
😄|сміх радість очі|smile happy eyes|uśmiech oczy
😁|усмішка зуби|beaming grin|szeroki uśmiech zęby
😆|сміх|laughing|śmiech
😅|ніяковий піт сміх|sweat smile relief|pot ulga śmiech
🤣|регіт підлога|rolling laughing|ryczy ze śmiechu
😂|сльози сміху|tears of joy|łzy radości śmiech
🙂|легка усмішка|slight smile|lekki uśmiech
🙃|догори дриґом іронія|upside down irony|do góry nogami ironia
😉|підморгування|wink|mrugnięcie oko
😊|усмішка рум’янець|blush smile|rumieniec uśmiech
😇|ангел німб|angel halo|anioł aureola
🥰|закоханий серця|in love hearts|zakochany serca
😍|закохані очі|heart eyes|oczy serca zachwyt
🤩|захват зірки|star struck|zachwyt gwiazdy
😘|поцілунок|kiss|całus buziak
😋|смачно|yummy delicious|pyszne
😜|язик жарт|tongue wink joke|język żart
🤪|божевільний|zany crazy|zwariowany
🤗|обійми|hug|przytulenie
🤭|ой рука рот|oops hand over mouth|ojej dłoń usta
🤫|тихо тсс|quiet shush|cicho ćśś
🤔|думаю|thinking hmm|myślę zastanowienie
🤐|мовчання блискавка|zipper mouth silent|milczenie zamek
😐|байдуже|neutral|obojętny
😏|посмішка хитро|smirk|uśmieszek
😒|незадоволення|unamused|niezadowolony
🙄|закочені очі|eye roll|przewracanie oczami
😬|гримаса|grimace|grymas
😌|полегшення спокій|relieved calm|ulga spokój
😔|задума сум|pensive sad|zamyślony smutek
😪|сонний|sleepy|senny
😴|сон|sleeping|śpi sen
😷|маска хворий|mask sick|maska chory
🤒|температура хворий|fever ill|gorączka chory
🤕|травма бинт|injured bandage|uraz bandaż
🤧|чхання нежить|sneeze cold|kichanie katar
🥵|спека жарко|hot|gorąco upał
🥶|холодно мороз|cold freezing|zimno mróz
🤯|вибух мозку|mind blown|szok eksplozja
🥳|свято вечірка|party celebration|impreza święto
😎|круто окуляри|cool sunglasses|super okulary
🤓|розумник окуляри|nerd glasses|kujon okulary
😕|збентеження|confused|zmieszany
😟|тривога|worried|zmartwiony
🙁|сум|frown sad|smutek
😮|подив|surprised wow|zdziwienie
😲|здивування|astonished|zaskoczenie
😳|сором подив|flushed|zawstydzony
🥺|благання|pleading please|błaganie proszę
😢|сльоза плач|cry tear|łza płacz
😭|ридання плач|sobbing crying|szloch płacz
😱|крик жах|scream fear|krzyk strach
😞|розчарування|disappointed|rozczarowanie
😓|піт втома|sweat tired|pot zmęczenie
😩|втома|weary|znużenie
😤|гнів пара|huffing|złość para
😠|злість|angry|zły
😡|лють|furious rage|wściekły
💩|какашка|poop|kupa
👻|привид|ghost|duch
🤖|робот|robot|robot`,
  people: `
👋|вітання рука привіт|wave hello|machanie cześć
🤚|тильна рука|raised back hand|grzbiet dłoni
✋|стоп долоня|hand stop|dłoń stop
👌|гаразд окей|ok|okej
🤌|пучка пальці|pinched fingers|szczypta palce
✌️|перемога мир|victory peace|zwycięstwo pokój
🤞|на щастя пальці|fingers crossed luck|trzymam kciuki szczęście
🤟|люблю жест|love you gesture|kocham gest
🤙|подзвони|call me|zadzwoń
👈|вліво палець|left|w lewo palec
👉|вправо палець|right|w prawo palec
👆|вгору палець|up|w górę palec
👇|вниз палець|down|w dół palec
☝️|один увага палець|index one attention|uwaga palec jeden
👍|добре лайк так|thumbs up like yes|kciuk w górę dobrze tak
👎|погано дизлайк ні|thumbs down dislike no|kciuk w dół źle nie
✊|кулак|fist|pięść
👊|удар кулак|punch fist|cios pięść
👏|оплески браво|clap bravo|brawa oklaski
🙌|ура руки|hooray hands|hura ręce
👐|відкриті руки|open hands|otwarte dłonie
🤲|долоні|palms|dłonie razem
🤝|рукостискання угода|handshake deal|uścisk dłoni umowa
🙏|дякую прошу молитва|thanks please pray|dziękuję proszę modlitwa
✍️|пишу підпис|writing sign|piszę podpis
💪|сила м’язи|strong muscle|siła mięśnie
👀|очі дивлюся|eyes look|oczy patrzę
👂|вухо чую|ear listen|ucho słucham
🧠|мозок розум|brain|mózg
👶|немовля дитина|baby|niemowlę dziecko
👩|жінка|woman|kobieta
👨|чоловік|man|mężczyzna
👵|бабуся|grandmother|babcia
👴|дідусь|grandfather|dziadek
👨‍👩‍👧|сім’я родина|family|rodzina
👮|поліція|police|policja
👩‍⚖️|суддя суд жінка|judge court woman|sędzia sąd kobieta
👨‍⚖️|суддя суд чоловік|judge court man|sędzia sąd mężczyzna
👩‍⚕️|лікарка медицина|doctor health woman|lekarka medycyna
👨‍⚕️|лікар медицина|doctor health man|lekarz medycyna
👩‍🎓|студентка диплом|student graduate woman|studentka dyplom
👨‍🎓|студент диплом|student graduate man|student dyplom
👩‍💻|перекладачка комп’ютер робота|technologist computer work woman|praca komputer kobieta
👨‍💻|перекладач комп’ютер робота|technologist computer work man|praca komputer mężczyzna
🤷|не знаю знизати плечима|shrug|nie wiem wzruszenie
🤦|рука обличчя сором|facepalm|ręka na twarzy wstyd
💁|інформація допомога|information help|informacja pomoc
🙋|піднята рука питання|raising hand question|podniesiona ręka pytanie
🙇|уклін вибачення|bow sorry|ukłon przepraszam
🏃|біжу поспіх|running hurry|biegnę pośpiech
💃|танець|dance|taniec`,
  feelings: `
❤️|серце любов червоне|heart love red|serce miłość czerwone
🧡|серце помаранчеве|orange heart|serce pomarańczowe
💛|серце жовте|yellow heart|serce żółte
💚|серце зелене|green heart|serce zielone
💙|серце синє|blue heart|serce niebieskie
💜|серце фіолетове|purple heart|serce fioletowe
🖤|серце чорне|black heart|serce czarne
🤍|серце біле|white heart|serce białe
💔|розбите серце|broken heart|złamane serce
💕|два серця|two hearts|dwa serca
💖|блискуче серце|sparkling heart|błyszczące serce
💋|помада поцілунок|kiss lips|usta pocałunek
💯|сто відсотків|hundred perfect|sto procent
💥|вибух|boom collision|wybuch
💫|запаморочення зірка|dizzy star|gwiazda zawroty
💤|сон|zzz sleep|sen
💬|розмова повідомлення|speech message|rozmowa wiadomość
💭|думка|thought|myśl
🔥|вогонь|fire hot|ogień
✨|блиск|sparkles|blask iskry
⭐|зірка|star|gwiazda
🌟|сяйво зірка|glowing star|lśniąca gwiazda
⚡|блискавка швидко|lightning fast|błyskawica szybko
🎉|свято вітаю|party popper congratulations|gratulacje święto
🎊|конфеті свято|confetti|konfetti
🎁|подарунок|gift present|prezent
🎂|торт день народження|birthday cake|tort urodziny
🎄|ялинка Різдво|Christmas tree|choinka Boże Narodzenie
🎅|Санта Миколай|Santa|Mikołaj
🎈|кулька|balloon|balon
🏆|кубок перемога|trophy win|puchar wygrana
🥇|перше місце медаль|first place medal|medal pierwsze miejsce
🎯|ціль влучно|target|cel`,
  nature: `
🌸|квітка сакура|blossom flower|kwiat wiśni
🌹|троянда|rose|róża
🌷|тюльпан|tulip|tulipan
🌻|соняшник|sunflower|słonecznik
🌼|квітка|flower|kwiat
💐|букет квіти|bouquet flowers|bukiet kwiaty
🌱|паросток|seedling|kiełek
🌿|трава зелень|herb|zioło
🍀|конюшина удача|clover luck|koniczyna szczęście
🍁|клен осінь|maple autumn|klon jesień
🌳|дерево|tree|drzewo
☀️|сонце|sun|słońce
⛅|хмара сонце|cloud sun|chmura słońce
☁️|хмара|cloud|chmura
🌧️|дощ|rain|deszcz
❄️|сніг мороз|snow cold|śnieg mróz
🌈|веселка|rainbow|tęcza
🌙|місяць ніч|moon night|księżyc noc
🌊|хвиля море|wave sea|fala morze
🌍|світ земля планета|world earth|świat ziemia
🐶|пес собака|dog|pies
🐱|кіт|cat|kot
🐭|миша|mouse|mysz
🐰|заєць кролик|rabbit|królik zając
🦊|лис|fox|lis
🐻|ведмідь|bear|niedźwiedź
🐼|панда|panda|panda
🐷|свиня|pig|świnia
🐸|жаба|frog|żaba
🐵|мавпа|monkey|małpa
🐔|курка|chicken|kura
🐦|птах|bird|ptak
🕊️|голуб мир|dove peace|gołąb pokój
🦉|сова|owl|sowa
🐝|бджола|bee|pszczoła
🦋|метелик|butterfly|motyl
🐢|черепаха повільно|turtle slow|żółw powoli
🐟|риба|fish|ryba`,
  food: `
🍎|яблуко|apple|jabłko
🍐|груша|pear|gruszka
🍊|мандарин апельсин|tangerine orange|mandarynka pomarańcza
🍋|лимон|lemon|cytryna
🍌|банан|banana|banan
🍉|кавун|watermelon|arbuz
🍇|виноград|grapes|winogrona
🍓|полуниця|strawberry|truskawka
🍒|вишня|cherries|wiśnie
🍅|помідор|tomato|pomidor
🥔|картопля|potato|ziemniak
🥕|морква|carrot|marchew
🌽|кукурудза|corn|kukurydza
🍄|гриб|mushroom|grzyb
🍞|хліб|bread|chleb
🧀|сир|cheese|ser
🥚|яйце|egg|jajko
🥩|м’ясо|meat|mięso
🍔|бургер|burger|burger
🍕|піца|pizza|pizza
🥗|салат|salad|sałatka
🍲|суп борщ|soup pot|zupa barszcz
🥟|вареники|dumpling|pierogi
🍣|суші|sushi|sushi
🍰|тістечко торт|cake|ciasto
🍪|печиво|cookie|ciastko
🍫|шоколад|chocolate|czekolada
🍬|цукерка|candy|cukierek
🍯|мед|honey|miód
☕|кава чай|coffee tea|kawa herbata
🍵|чай|tea|herbata
🥛|молоко|milk|mleko
🍷|вино|wine|wino
🍺|пиво|beer|piwo
🥂|тост келихи|cheers toast|toast kieliszki
🍾|шампанське|champagne|szampan
🍽️|обід тарілка|meal plate|obiad talerz`,
  places: `
🏠|дім хата|house home|dom
🏢|офіс будівля|office building|biuro budynek
🏦|банк|bank|bank
🏥|лікарня|hospital|szpital
🏫|школа|school|szkoła
🏛️|установа суд посольство|government court embassy|urząd sąd ambasada
⛪|церква|church|kościół
🏭|завод|factory|fabryka
🗺️|карта мапа|map|mapa
📍|місце адреса|pin place address|miejsce adres
🧭|компас|compass|kompas
🚗|авто машина|car|samochód
🚕|таксі|taxi|taksówka
🚌|автобус|bus|autobus
🚆|потяг|train|pociąg
🚇|метро|metro subway|metro
🚚|доставка вантажівка|delivery truck|dostawa ciężarówka
🚲|велосипед|bicycle|rower
✈️|літак рейс|plane flight|samolot lot
🚀|ракета старт|rocket launch|rakieta start
🚢|корабель|ship|statek
🚦|світлофор|traffic light|światła
⛽|пальне|fuel|paliwo
🧳|валіза подорож|suitcase travel|walizka podróż
🏖️|пляж відпустка|beach holiday|plaża urlop
🏔️|гори|mountains|góry
⛺|намет|tent|namiot`,
  office: `
📄|документ сторінка|document page|dokument strona
📃|документ аркуш|page sheet|dokument kartka
📑|сторінки закладки|tabs pages|strony zakładki
📝|нотатка запис|memo note|notatka zapis
📋|список буфер|clipboard list|lista schowek
📁|тека папка|folder|folder teczka
📂|відкрита тека|open folder|otwarty folder
🗂️|картотека|index dividers|kartoteka
📎|скріпка вкладення файл|paperclip attachment file|spinacz załącznik plik
📌|кнопка важливо|pushpin important|pinezka ważne
✏️|олівець правка|pencil edit|ołówek poprawka
🖊️|ручка підпис|pen sign|długopis podpis
🖋️|перо підпис|fountain pen|pióro podpis
📚|книги словники|books dictionaries|książki słowniki
📖|книга словник|book dictionary|książka słownik
📰|газета новини|newspaper news|gazeta wiadomości
🔖|закладка|bookmark|zakładka
🏷️|мітка ціна|label price|etykieta cena
📧|пошта лист|e-mail mail|e-mail poczta
✉️|конверт лист|envelope letter|koperta list
📩|вхідний лист|incoming mail|przychodzący list
📤|вихідні надіслано|outbox sent|wysłane
📥|вхідні отримано|inbox received|odebrane
📦|пакунок посилка|package parcel|paczka
📮|поштова скринька|postbox|skrzynka pocztowa
📞|телефон дзвінок|phone call|telefon rozmowa
📱|мобільний телефон|mobile phone|komórka telefon
💻|ноутбук комп’ютер|laptop computer|laptop komputer
🖨️|принтер друк|printer print|drukarka druk
🖥️|монітор комп’ютер|desktop computer|monitor komputer
📷|фото камера|camera photo|aparat zdjęcie
📸|знімок спалах|photo flash|zdjęcie flesz
🎥|відео камера|video camera|kamera wideo
🎤|мікрофон голос|microphone voice|mikrofon głos
🎧|навушники аудіо|headphones audio|słuchawki audio
🔍|пошук лупа|search magnifier|szukaj lupa
💡|ідея лампа|idea bulb|pomysł żarówka
🔒|замок закрито|lock closed|kłódka zamknięte
🔓|відкрито замок|unlock open|otwarte kłódka
🔑|ключ|key|klucz
🛠️|інструменти ремонт|tools repair|narzędzia naprawa
⚙️|налаштування шестерня|settings gear|ustawienia koło zębate
🔗|посилання|link|link odnośnik
✂️|ножиці вирізати|scissors cut|nożyczki wytnij
⚖️|право терези суд|law scales court|prawo waga sąd
💼|портфель робота|briefcase work|teczka praca
🎓|освіта диплом|graduation diploma|dyplom studia
💰|гроші мішок|money bag|pieniądze worek
💵|долари гроші готівка|dollars cash money|dolary gotówka
💶|євро гроші|euro money|euro pieniądze
💳|картка оплата|card payment|karta płatność
🧾|рахунок чек квитанція|receipt invoice|rachunek paragon faktura
📈|зростання графік|growth chart up|wzrost wykres
📉|спад графік|fall chart down|spadek wykres
📊|діаграма звіт|bar chart report|wykres raport
📅|календар дата|calendar date|kalendarz data
📆|дата термін|date deadline|data termin
⏰|будильник термін|alarm clock deadline|budzik termin
⏳|чекаю пісочний годинник|hourglass waiting|klepsydra czekam
⌛|час вийшов|time is up hourglass|czas minął klepsydra
🕐|година час|one o’clock time|godzina czas`,
  signs: `
✅|готово так зроблено|done yes check|gotowe tak zrobione
☑️|позначено|checked box|zaznaczone
✔️|галочка|check mark|ptaszek
❌|ні хрестик скасовано|no cross cancelled|nie krzyżyk anulowane
❗|увага знак оклику|exclamation attention|uwaga wykrzyknik
❓|питання знак|question mark|pytanie znak
⁉️|подив питання|interrobang|zdziwienie pytanie
⚠️|попередження увага|warning|ostrzeżenie uwaga
🚫|заборонено|prohibited|zakaz
⛔|стоп в’їзд заборонено|no entry stop|stop zakaz wjazdu
🆗|гаразд|ok button|okej
🆕|нове|new|nowe
🆓|безкоштовно|free|za darmo
🔝|вгору топ|top|góra top
🔔|дзвоник сповіщення|bell notification|dzwonek powiadomienie
🔕|без звуку|muted bell|wyciszony dzwonek
🔄|оновити повтор|refresh again|odśwież ponownie
➕|плюс додати|plus add|plus dodaj
➖|мінус|minus|minus
➡️|стрілка вправо далі|right arrow next|strzałka w prawo dalej
⬅️|стрілка вліво назад|left arrow back|strzałka w lewo wstecz
⬆️|стрілка вгору|up arrow|strzałka w górę
⬇️|стрілка вниз|down arrow|strzałka w dół
🔴|червоне коло|red circle|czerwone koło
🟡|жовте коло|yellow circle|żółte koło
🟢|зелене коло|green circle|zielone koło
🔵|синє коло|blue circle|niebieskie koło
1️⃣|один 1|one 1|jeden 1
2️⃣|два 2|two 2|dwa 2
3️⃣|три 3|three 3|trzy 3
™️|торгова марка|trade mark|znak towarowy
©️|авторське право|copyright|prawa autorskie
♻️|переробка|recycle|recykling
🇺🇦|Україна прапор|Ukraine flag|Ukraina flaga
🇵🇱|Польща прапор|Poland flag|Polska flaga
🇬🇧|Велика Британія прапор англійська|United Kingdom flag English|Wielka Brytania flaga angielski
🇺🇸|США прапор|United States flag|USA flaga
🇩🇪|Німеччина прапор|Germany flag|Niemcy flaga
🇫🇷|Франція прапор|France flag|Francja flaga
🇪🇸|Іспанія прапор|Spain flag|Hiszpania flaga
🇮🇹|Італія прапор|Italy flag|Włochy flaga
🇨🇿|Чехія прапор|Czechia flag|Czechy flaga
🇸🇰|Словаччина прапор|Slovakia flag|Słowacja flaga
🇷🇴|Румунія прапор|Romania flag|Rumunia flaga
🇭🇺|Угорщина прапор|Hungary flag|Węgry flaga
🇹🇷|Туреччина прапор|Türkiye flag|Turcja flaga
🇪🇺|Європейський Союз прапор|European Union flag|Unia Europejska flaga`,
};
