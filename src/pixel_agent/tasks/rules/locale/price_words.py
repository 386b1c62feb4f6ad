"""Words beside prices in shops, one table per language, for the price rules. A new language is a new table.

Words are plain text in lower case; `word_pattern` makes the expression. A word belongs here if it states the kind of
the number beside it: old price, current price, member price, comparison price, deposit, saving, tax.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, TypeAlias

Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PriceWords:
    """The price words of one language."""

    was: Words = ()
    now: Words = ()
    member: Words = ()
    neutral: Words = ()
    """Words for a price of no special kind."""
    comparison: Words = ()
    """Words for a comparison price by weight, volume or length."""
    each: Words = ()
    """Words for one piece as a unit of sale."""
    per: Words = ()
    """Words between a price and its unit."""
    deposit: Words = ()
    saving: Words = ()
    multi: Words = ()
    """Words between a number of pieces and their total price."""
    tax_included: Words = ()
    tax_excluded: Words = ()


PRICE_WORDS: Final[dict[str, PriceWords]] = {
    "en": PriceWords(
        was=("was", "reg.", "reg", "regular price", "regular", "rrp", "rrp.", "msrp", "list price", "before", "old price", "original price", "usually", "compare at"),
        now=("now only", "now", "sale price", "sale", "special price", "special", "promo price", "promo", "offer price", "our price", "today only", "clearance", "reduced to"),
        member=("members price", "member price", "members", "member", "club price", "clubcard price", "clubcard", "with card", "with club card", "nectar price", "more card price", "loyalty price", "with app", "app price", "card price", "rewards price", "plus card"),
        neutral=("price", "only", "just", "retail", "you pay"),
        comparison=("unit price", "price per", "comparison price"),
        each=("each", "ea", "ea.", "apiece", "per item", "per piece", "piece"),
        per=("per", "a"),
        deposit=("deposit", "crv", "container deposit", "plus deposit"),
        saving=("save up to", "you save", "save", "saving", "savings", "off", "discount", "cashback", "voucher"),
        multi=("for", "any"),
        tax_included=("incl. tax", "incl. vat", "inc. vat", "inc vat", "tax included", "vat included", "incl. gst", "inc gst"),
        tax_excluded=("excl. tax", "ex. vat", "ex vat", "excl. vat", "plus tax", "+ tax", "before tax"),
    ),
    "de": PriceWords(
        was=("statt", "bisher", "vorher", "uvp", "alter preis", "sonst", "regulär", "normalpreis", "ehemals", "früher"),
        now=("jetzt nur", "jetzt", "aktionspreis", "aktion", "angebot", "sonderpreis", "nur noch", "reduziert"),
        member=("mit app", "app-preis", "mit karte", "kundenkarte", "mit payback", "mitgliederpreis", "mit lidl plus", "lidl plus", "rewe bonus"),
        neutral=("preis", "nur", "verkaufspreis"),
        comparison=("grundpreis", "entspricht", "gp"),
        each=("stück", "stk", "stk.", "st", "st.", "pro stück", "je stück"),
        per=("pro", "je"),
        deposit=("pfand", "zzgl. pfand", "leergut", "mehrweg", "einweg", "einwegpfand", "mehrwegpfand"),
        saving=("sie sparen", "spar", "sparen", "ersparnis", "rabatt", "gespart", "gutschein"),
        multi=("für", "stück für", "zum preis von"),
        tax_included=("inkl. mwst", "inkl. mwst.", "inkl. ust", "inklusive mwst"),
        tax_excluded=("exkl. mwst", "zzgl. mwst", "netto", "ohne mwst"),
    ),
    "fr": PriceWords(
        was=("au lieu de", "avant", "ancien prix", "prix normal", "prix habituel", "prix conseillé"),
        now=("maintenant", "prix promo", "promotion", "promo", "offre", "soldes", "prix choc"),
        member=("prix carte", "avec la carte", "avec carte", "carte fidélité", "prix club", "prix adhérent"),
        neutral=("prix", "prix de vente", "seulement"),
        comparison=("prix au kg", "prix au kilo", "prix au litre", "soit", "le kg", "le kilo", "le litre", "prix unitaire"),
        each=("pièce", "la pièce", "unité", "l'unité", "pce"),
        per=("le", "la", "par", "au"),
        deposit=("consigne", "consignation", "éco-participation", "éco-part"),
        saving=("économisez", "économie", "remise", "réduction", "de remise", "bon d'achat"),
        multi=("pour", "les"),
        tax_included=("ttc", "tvac", "tva comprise"),
        tax_excluded=("ht", "htva", "hors taxe"),
    ),
    "es": PriceWords(
        was=("antes", "precio anterior", "precio normal", "precio habitual", "pvp"),
        now=("ahora", "oferta", "precio oferta", "rebaja", "rebajado", "solo hoy"),
        member=("con tarjeta", "precio club", "precio socio", "socios", "con la app"),
        neutral=("precio", "solo", "sólo"),
        comparison=("precio por kilo", "precio por litro", "precio kg", "precio unidad", "el kilo", "el litro"),
        each=("unidad", "ud", "ud.", "uds", "uni", "pieza", "c/u", "cada uno", "la unidad", "pza"),
        per=("por", "el", "la"),
        deposit=("depósito", "fianza", "envase retornable", "casco"),
        saving=("ahorra", "ahorras", "ahorro", "descuento", "dto", "cupón", "vale"),
        multi=("por", "x"),
        tax_included=("iva incluido", "iva incl", "impuestos incluidos", "con iva"),
        tax_excluded=("sin iva", "más iva", "iva no incluido"),
    ),
    "it": PriceWords(
        was=("anziché", "invece di", "prezzo pieno", "prima", "prezzo precedente", "prezzo di listino"),
        now=("adesso", "ora", "offerta", "sconto a", "prezzo offerta", "in promozione", "sottocosto"),
        member=("con carta", "carta fedeltà", "prezzo soci", "soci", "carta club"),
        neutral=("prezzo", "solo", "prezzo di vendita"),
        comparison=("al kg", "al kilo", "al litro", "prezzo al kg", "prezzo unitario", "al lt"),
        each=("pezzo", "cad", "cad.", "cadauno", "pz", "pz.", "al pezzo", "l'uno"),
        per=("al", "alla", "per"),
        deposit=("cauzione", "vuoto a rendere", "deposito"),
        saving=("risparmi", "risparmio", "sconto", "buono"),
        multi=("a", "per"),
        tax_included=("iva inclusa", "iva compresa"),
        tax_excluded=("iva esclusa", "più iva"),
    ),
    "pt": PriceWords(
        was=("de", "antes", "preço anterior", "preço normal", "era"),
        now=("agora", "oferta", "promoção", "por apenas"),
        member=("com cartão", "preço clube", "preço sócio", "cliente mais", "com app"),
        neutral=("preço", "apenas", "só"),
        comparison=("preço por kg", "preço por litro", "preço kg", "preço unitário"),
        each=("unidade", "un", "un.", "unid", "cada", "und"),
        per=("por", "o", "a"),
        deposit=("depósito", "vasilhame", "tara"),
        saving=("poupe", "poupança", "desconto", "economize", "vale"),
        multi=("por",),
        tax_included=("iva incluído", "com iva"),
        tax_excluded=("sem iva", "+ iva"),
    ),
    "nl": PriceWords(
        was=("van", "was", "adviesprijs", "oude prijs", "normaal"),
        now=("nu", "nu voor", "voor", "aanbieding", "actie", "actieprijs", "bonus"),
        member=("met bonuskaart", "bonuskaart", "extra's", "met kaart", "klantenkaart"),
        neutral=("prijs", "slechts"),
        comparison=("per kilo", "per liter", "prijs per kg", "prijs per"),
        each=("stuk", "per stuk", "st", "stuks"),
        per=("per",),
        deposit=("statiegeld", "excl. statiegeld"),
        saving=("bespaar", "korting", "voordeel"),
        multi=("voor",),
        tax_included=("incl. btw", "inclusief btw"),
        tax_excluded=("excl. btw", "exclusief btw"),
    ),
    "sv": PriceWords(
        was=("ord. pris", "ord pris", "ordinarie pris", "tidigare", "förut", "ord.", "ordinarie"),
        now=("nu", "extrapris", "kampanjpris", "kampanj", "erbjudande", "veckans", "klipp"),
        member=("medlemspris", "medlem", "klubbpris", "stammis", "stammispris"),
        neutral=("pris", "endast"),
        comparison=("jfr-pris", "jfr pris", "jmfpris", "jfr", "jämförpris", "jmf"),
        each=("st", "styck", "stycket", "/st", "per st"),
        per=("per",),
        deposit=("pant", "+pant", "exkl. pant"),
        saving=("spara", "rabatt", "du sparar"),
        multi=("för",),
        tax_included=("inkl. moms", "inkl moms"),
        tax_excluded=("exkl. moms", "exkl moms"),
    ),
    "no": PriceWords(
        was=("før", "førpris", "ord. pris", "veil. pris", "veiledende pris", "ordinær pris"),
        now=("nå", "tilbud", "tilbudspris", "kampanje", "salg"),
        member=("medlemspris", "medlem", "trumf", "coop medlem", "kundekort"),
        neutral=("pris", "kun", "bare"),
        comparison=("pr/kg", "pr/l", "pr/stk", "pr kg", "pr. kg", "pr l", "pr. l", "enhetspris", "jfr. pris", "pr. stk"),
        each=("stk", "stk.", "pr stk", "pr. stk", "stykk"),
        per=("pr", "pr.", "per"),
        deposit=("pant", "+ pant", "+pant"),
        saving=("spar", "rabatt", "du sparer"),
        multi=("for",),
        tax_included=("inkl. mva", "inkl mva"),
        tax_excluded=("eks. mva", "eks mva"),
    ),
    "da": PriceWords(
        was=("før", "førpris", "normalpris", "vejl. pris"),
        now=("nu", "tilbud", "tilbudspris", "spotvare", "ugens tilbud"),
        member=("medlemspris", "medlem", "plus pris", "app-pris", "klubpris"),
        neutral=("pris", "kun"),
        comparison=("pr. kg", "pr. liter", "pr. l", "kg-pris", "literpris", "kilopris", "stykpris"),
        each=("stk", "stk.", "pr. stk.", "pr. stk", "styk"),
        per=("pr.", "pr"),
        deposit=("pant", "+ pant", "ekskl. pant"),
        saving=("spar", "rabat", "du sparer"),
        multi=("for",),
        tax_included=("inkl. moms",),
        tax_excluded=("ekskl. moms",),
    ),
    "fi": PriceWords(
        was=("norm.", "norm", "normaalihinta", "ennen", "ilman korttia", "ovh"),
        now=("nyt", "tarjous", "tarjoushinta", "etuhinta"),
        member=("plussa-hinta", "plussa", "plussa-kortilla", "kortilla", "jäsenhinta"),
        neutral=("hinta", "vain"),
        comparison=("kilohinta", "litrahinta", "vertailuhinta"),
        each=("kpl", "kappale", "/kpl"),
        per=("per",),
        deposit=("pantti", "sis. pantti", "+ pantti", "sis.pantin"),
        saving=("säästä", "alennus", "säästö"),
        multi=("yht", "yhteensä"),
        tax_included=("sis. alv",),
        tax_excluded=("alv 0%",),
    ),
    "is": PriceWords(was=("áður",), now=("nú", "tilboð"), neutral=("verð",), each=("stk",), per=("pr.",), deposit=("skilagjald",)),
    "pl": PriceWords(
        was=("było", "zamiast", "cena regularna", "stara cena", "najniższa cena", "cena przed obniżką"),
        now=("teraz", "promocja", "cena promocyjna", "okazja", "oferta", "wyprzedaż"),
        member=("z kartą", "z aplikacją", "cena z kartą", "cena klubowa", "moja biedronka"),
        neutral=("cena", "tylko", "cena detaliczna"),
        comparison=("cena za kg", "cena za litr", "cena jednostkowa", "cena za"),
        each=("szt", "szt.", "sztuka", "za szt", "za szt."),
        per=("za",),
        deposit=("kaucja", "+ kaucja", "kaucji"),
        saving=("oszczędzasz", "oszczędź", "rabat", "taniej"),
        multi=("za",),
        tax_included=("z vat", "brutto"),
        tax_excluded=("netto", "bez vat"),
    ),
    "cs": PriceWords(
        was=("původní cena", "původně", "běžná cena", "předtím", "místo"),
        now=("nyní", "akce", "akční cena", "sleva na", "výprodej"),
        member=("s kartou", "s aplikací", "klubová cena", "cena s kartou", "clubcard"),
        neutral=("cena", "jen", "pouze"),
        comparison=("cena za", "jednotková cena", "cena za mj", "měrná cena"),
        each=("ks", "kus", "za kus", "za ks"),
        per=("za",),
        deposit=("záloha", "vratná záloha", "+ záloha", "vratný obal"),
        saving=("ušetříte", "ušetřete", "sleva"),
        multi=("za",),
        tax_included=("s dph", "vč. dph", "včetně dph"),
        tax_excluded=("bez dph",),
    ),
    "sk": PriceWords(
        was=("pôvodná cena", "pôvodne", "bežná cena", "predtým", "namiesto"),
        now=("teraz", "akcia", "akciová cena", "zľava na"),
        member=("s kartou", "s aplikáciou", "klubová cena"),
        neutral=("cena", "len", "iba"),
        comparison=("jednotková cena", "cena za"),
        each=("ks", "kus", "za kus"),
        per=("za",),
        deposit=("záloha", "+ záloha", "zálohovaný obal"),
        saving=("ušetríte", "zľava"),
        multi=("za",),
        tax_included=("s dph",),
        tax_excluded=("bez dph",),
    ),
    "hu": PriceWords(
        was=("régi ár", "eredeti ár", "helyett", "volt", "korábbi ár"),
        now=("most", "akció", "akciós ár", "új ár", "kedvezményes ár"),
        member=("kártyával", "clubcard ár", "klubár", "applikációval", "pluszkártyával"),
        neutral=("ár", "csak", "fogyasztói ár"),
        comparison=("egységár", "kilónként"),
        each=("db", "darab", "/db"),
        per=("per",),
        deposit=("betétdíj", "visszaváltási díj", "+ betétdíj"),
        saving=("megtakarítás", "kedvezmény", "spóroljon"),
        multi=("csak",),
        tax_included=("bruttó", "áfával"),
        tax_excluded=("nettó", "+ áfa"),
    ),
    "ro": PriceWords(
        was=("preț vechi", "înainte", "în loc de", "preț întreg", "prp"),
        now=("acum", "ofertă", "promoție", "preț promoțional", "preț redus"),
        member=("cu cardul", "preț club", "cu aplicația"),
        neutral=("preț", "doar", "pret"),
        comparison=("preț/kg", "preț pe kg", "preț unitar"),
        each=("buc", "buc.", "bucată", "/buc"),
        per=("pe", "la"),
        deposit=("garanție", "+ garanție", "sgr"),
        saving=("economisești", "reducere"),
        multi=("la", "pentru"),
        tax_included=("tva inclus", "cu tva"),
        tax_excluded=("fără tva",),
    ),
    "bg": PriceWords(was=("преди", "стара цена", "вместо"), now=("сега", "промоция"), neutral=("цена", "само"), each=("бр", "бр.", "брой"), per=("за",), deposit=("депозит",), saving=("отстъпка",), member=("с карта",)),
    "el": PriceWords(was=("αρχική τιμή", "από", "πριν"), now=("τώρα", "προσφορά"), neutral=("τιμή", "μόνο"), each=("τεμ", "τεμ.", "τεμάχιο"), per=("ανά",), comparison=("τιμή κιλού", "τιμή λίτρου", "τιμή μονάδας"), deposit=("εγγύηση",), saving=("έκπτωση", "κερδίζετε"), member=("με κάρτα",)),
    "hr": PriceWords(was=("stara cijena", "prije", "umjesto", "redovna cijena"), now=("sada", "akcija", "akcijska cijena"), neutral=("cijena", "samo"), each=("kom", "kom.", "komad"), per=("za", "po"), comparison=("cijena za", "cijena po"), deposit=("povratna naknada",), saving=("ušteda", "popust"), member=("s karticom", "klub cijena")),
    "sl": PriceWords(was=("redna cena", "prej", "stara cena"), now=("zdaj", "akcija", "akcijska cena"), neutral=("cena", "samo"), each=("kos", "kom"), per=("za", "na"), comparison=("cena za", "cena na enoto"), deposit=("kavcija",), saving=("prihranek", "popust"), member=("s kartico", "pika cena")),
    "sr": PriceWords(was=("stara cena", "redovna cena", "стара цена"), now=("sada", "akcija", "акција"), neutral=("cena", "samo", "цена"), each=("kom", "ком"), per=("za", "po"), deposit=("kaucija",), saving=("ušteda", "popust")),
    "lt": PriceWords(was=("buvo", "sena kaina"), now=("dabar", "akcija"), neutral=("kaina", "tik"), each=("vnt", "vnt."), per=("už",), comparison=("kaina už",), deposit=("užstatas", "depozitas"), saving=("nuolaida", "sutaupykite"), member=("su kortele",)),
    "lv": PriceWords(was=("bija", "iepriekš", "parastā cena"), now=("tagad", "akcija"), neutral=("cena", "tikai"), each=("gab", "gab."), per=("par",), comparison=("cena par",), deposit=("depozīts",), saving=("atlaide", "ietaupi"), member=("ar karti",)),
    "et": PriceWords(was=("tavahind", "enne", "vana hind"), now=("nüüd", "soodushind", "sooduspakkumine"), neutral=("hind", "ainult"), each=("tk", "tükk"), per=("eest",), comparison=("kilohind", "ühikuhind"), deposit=("pant", "tagatisraha"), saving=("soodustus", "säästa"), member=("kliendikaardiga", "säästukaardiga")),
    "tr": PriceWords(was=("eski fiyat", "önceki fiyat", "yerine"), now=("şimdi", "indirimli", "kampanya", "fırsat"), neutral=("fiyat", "fiyatı", "sadece", "satış fiyatı"), each=("adet", "tane"), per=("başına",), comparison=("birim fiyat", "birim fiyatı", "kg fiyatı", "litre fiyatı"), deposit=("depozito",), saving=("indirim", "tasarruf"), multi=("al",), member=("kart ile", "money kart", "kartlı"), tax_included=("kdv dahil",), tax_excluded=("kdv hariç", "+ kdv")),
    "ru": PriceWords(was=("старая цена", "было", "без карты", "вместо"), now=("сейчас", "акция", "новая цена"), neutral=("цена", "только"), each=("шт", "шт.", "штука"), per=("за",), deposit=("залог",), saving=("скидка", "экономия", "выгода"), member=("по карте", "с картой")),
    "uk": PriceWords(was=("стара ціна", "було"), now=("зараз", "акція"), neutral=("ціна", "тільки"), each=("шт", "шт."), per=("за",), saving=("знижка", "економія"), member=("з карткою",)),
    "id": PriceWords(was=("harga normal", "sebelum"), now=("sekarang", "promo", "harga promo"), neutral=("harga", "hanya"), each=("pcs", "buah", "biji"), per=("per",), saving=("hemat", "diskon", "potongan"), member=("harga member", "member")),
    "ms": PriceWords(was=("harga asal", "harga biasa"), now=("sekarang", "promosi", "harga promosi"), neutral=("harga", "hanya"), each=("biji", "unit"), per=("se",), saving=("jimat", "diskaun"), member=("harga ahli", "ahli")),
    "vi": PriceWords(was=("giá cũ", "giá gốc", "giá thường"), now=("giá khuyến mãi", "khuyến mãi", "chỉ còn"), neutral=("giá", "giá bán", "chỉ"), each=("cái", "chiếc", "hộp"), per=("mỗi",), saving=("tiết kiệm", "giảm"), member=("giá thành viên",)),
    "th": PriceWords(was=("ปกติ", "ราคาปกติ"), now=("ลดเหลือ", "โปรโมชั่น"), neutral=("ราคา", "เพียง"), each=("ชิ้น",), per=("ต่อ",), saving=("ประหยัด", "ส่วนลด"), member=("สมาชิก", "ราคาสมาชิก")),
    "ja": PriceWords(
        was=("通常価格", "通常", "メーカー希望小売価格", "希望小売価格", "参考価格", "定価"),
        now=("特価", "セール", "広告の品", "お買得", "お買い得", "割引価格", "値下げ"),
        member=("会員価格", "会員", "カード会員"),
        neutral=("本体価格", "本体", "価格", "税抜", "税抜価格", "税別", "販売価格", "均一"),
        comparison=("100gあたり", "100g当り", "100g当たり", "あたり", "当り", "当たり"),
        each=("個", "本", "袋", "枚", "点", "パック", "玉", "束", "1個", "1点"),
        per=("当り", "当たり", "あたり"),
        saving=("引き", "引", "お得", "値引"),
        multi=("よりどり",),
        tax_included=("税込価格", "税込", "込", "税込み", "参考税込"),
        tax_excluded=("税抜価格", "税抜き", "税抜", "税別", "本体価格", "本体", "+税"),
    ),
    "ko": PriceWords(was=("정상가", "판매가"), now=("할인가", "행사가"), neutral=("가격",), each=("개",), per=("당",), saving=("할인",), member=("회원가",)),
    "hi": PriceWords(neutral=("mrp", "m.r.p.", "maximum retail price"), tax_included=("incl. of all taxes", "inclusive of all taxes")),
}  # fmt: skip
"""Language → its price words."""


HEADINGS: Final[dict[str, Words]] = {
    "en": ("imported", "sale", "hot", "new", "special", "specials", "offer", "offers", "vip", "member", "members", "promotion", "menu", "price list", "price", "prices", "hot price", "low price", "great value", "best price", "best buy", "everyday", "limited", "limited time", "deal", "deals", "super", "bargain", "reduced", "final", "mains", "starters", "desserts", "drinks", "welcome", "thank you", "save", "more", "only", "today", "this week", "week", "weekly", "of the week", "big", "on", "selected", "lines", "pieces", "pcs", "on selected lines", "pack", "multibuy"),
    "de": ("neu", "angebot", "angebote", "knaller", "aktion", "tiefpreis", "dauertiefpreis", "preis", "speisekarte", "woche", "der woche", "super", "auf alle", "billig"),
    "fr": ("nouveau", "nouveauté", "offre", "promo", "promotion", "prix", "carte", "bas prix"),
    "es": ("nuevo", "oferta", "ofertas", "precio", "precios", "carta", "menú", "rebajas"),
    "it": ("nuovo", "novità", "offerta", "offerte", "prezzo", "menù", "pizze", "antipasti", "dolci", "bevande"),
    "pt": ("novo", "novidade", "oferta", "promoção", "preço", "ementa"),
    "nl": ("nieuw", "aanbieding", "actie", "prijs", "menukaart"),
    "nordic": ("ny", "nyhet", "nyhed", "tilbud", "kampanje", "kampanj", "extrapris", "pris", "uutuus", "tarjous", "meny"),
    "slavic": ("nowość", "promocja", "okazja", "cena", "novinka", "akce", "akcia", "novo", "akcija"),
    "ja": ("特価", "お買得", "新商品", "おすすめ", "広告の品", "お品書き", "日替り", "タイムセール", "税込", "税抜", "本体価格", "本体", "価格", "円"),
}  # fmt: skip
"""General words of shops and menus: a text that contains nothing else is a heading, not a name."""

HEADING_KINDS: Final = (
    "was", "now", "member", "neutral", "comparison", "each", "per", "deposit", "saving", "multi", "tax_included",
    "tax_excluded",
)  # fmt: skip
"""Other kinds of words that are no product names."""

NET_WORDS: Final = (
    "net wt", "net wt.", "net weight", "net", "netto", "nettovikt", "poids net", "peso neto", "peso netto",
    "peso líquido", "nettoinhalt", "inhalt", "contenu", "contenido", "contenuto", "neto", "nettó", "obsah", "zawartość",
    "origin", "country of origin", "内容量",
)  # fmt: skip
"""Words before a size or a place."""


def every_word(kind: str) -> tuple[str, ...]:
    """The words of one kind in all languages, without repetition."""
    return tuple(dict.fromkeys(word for words in PRICE_WORDS.values() for word in _of(words, kind)))


def _of(words: PriceWords, kind: str) -> Words:
    found = {field.name: getattr(words, field.name) for field in fields(words)}[kind]
    return tuple(found)
