"""Words for durations and shelf lives, one table per language, for the date rules. A new language is a new table.

Words are plain text; case and accents are ignored, and a space can be missing. Counted forms are listed in all cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DurationWords:
    """The words of one language for durations and shelf lives."""

    hour: Words = ()
    day: Words = ()
    week: Words = ()
    month: Words = ()
    year: Words = ()
    life: Words = ()
    """Words before a shelf life."""
    opening: Words = ()
    """Words beside a duration that counts from opening the package."""


# fmt: off
DURATION_WORDS: Final[dict[str, DurationWords]] = {
    "en": DurationWords(
        hour=("hour", "hours", "hrs", "hr"), day=("day", "days"), week=("week", "weeks", "wks", "wk"), month=("month", "months", "mths", "mth", "mos"), year=("year", "years", "yrs", "yr"),
        life=("shelf life", "best within", "use within", "consume within", "eat within", "keeps for", "to be used within", "to be consumed within"),
        opening=("opening", "opened", "once open", "after open", "thawing", "thawed", "defrosting", "defrosted"),
    ),
    "de": DurationWords(
        hour=("stunde", "stunden", "std"), day=("tag", "tage", "tagen"), week=("woche", "wochen"), month=("monat", "monate", "monaten"), year=("jahr", "jahre", "jahren"),
        life=("haltbarkeit", "haltbar", "lagerfähigkeit", "innerhalb von", "zu verbrauchen innerhalb von"),
        opening=("öffnen", "öffnung", "geöffnet", "anbruch", "angebrochen", "auftauen", "nach anbruch"),
    ),
    "fr": DurationWords(
        hour=("heure", "heures"), day=("jour", "jours"), week=("semaine", "semaines"), month=("mois",), year=("an", "ans", "année", "années"),
        life=("durée de conservation", "durée de vie", "conservation", "se conserve", "à consommer dans les", "à consommer sous"),
        opening=("ouverture", "ouvert", "ouverte", "décongélation", "décongelé"),
    ),
    "es": DurationWords(
        hour=("hora", "horas"), day=("día", "días"), week=("semana", "semanas"), month=("mes", "meses"), year=("año", "años"),
        life=("vida útil", "duración", "consumir en", "consumir dentro de", "consérvese hasta", "consumir en un plazo de"),
        opening=("abierto", "abierta", "abrir", "apertura", "descongelado", "descongelar"),
    ),
    "it": DurationWords(
        hour=("ora", "ore"), day=("giorno", "giorni"), week=("settimana", "settimane"), month=("mese", "mesi"), year=("anno", "anni"),
        life=("durata", "conservabilità", "consumare entro", "da consumare entro", "validità"),
        opening=("apertura", "aperto", "aperta", "scongelamento", "scongelato"),
    ),
    "pt": DurationWords(
        hour=("hora", "horas"), day=("dia", "dias"), week=("semana", "semanas"), month=("mês", "meses"), year=("ano", "anos"),
        life=("validade", "prazo de validade", "vida útil", "consumir em", "consumir no prazo de", "duração"),
        opening=("aberto", "aberta", "abertura", "abrir", "descongelado"),
    ),
    "nl": DurationWords(
        hour=("uur",), day=("dag", "dagen"), week=("week", "weken"), month=("maand", "maanden"), year=("jaar", "jaren"),
        life=("houdbaarheid", "houdbaar", "te gebruiken binnen", "binnen", "consumeren binnen"),
        opening=("openen", "opening", "geopend", "ontdooien", "ontdooid"),
    ),
    "da": DurationWords(
        hour=("time", "timer"), day=("dag", "dage", "døgn"), week=("uge", "uger"), month=("måned", "måneder", "mdr"), year=("år",),
        life=("holdbarhed", "holdbar", "bruges inden", "anvendes inden for"),
        opening=("åbning", "åbnet", "optøning"),
    ),
    "nb": DurationWords(
        hour=("time", "timer"), day=("dag", "dager", "døgn"), week=("uke", "uker"), month=("måned", "måneder", "mnd"), year=("år",),
        life=("holdbarhet", "holdbar", "brukes innen"),
        opening=("åpning", "åpnet", "tining"),
    ),
    "sv": DurationWords(
        hour=("timme", "timmar"), day=("dag", "dagar", "dygn"), week=("vecka", "veckor"), month=("månad", "månader", "mån"), year=("år",),
        life=("hållbarhet", "hållbar", "förbrukas inom", "används inom"),
        opening=("öppnande", "öppnad", "öppnat", "öppning", "upptining"),
    ),
    "fi": DurationWords(
        hour=("tunti", "tuntia", "tunnin"), day=("päivä", "päivää", "päivän", "vrk"), week=("viikko", "viikkoa", "viikon", "vko"), month=("kuukausi", "kuukautta", "kuukauden", "kk"), year=("vuosi", "vuotta", "vuoden"),
        life=("säilyvyys", "säilyy", "säilyvyysaika", "käytettävä"),
        opening=("avattu", "avattuna", "avaamisen", "avaamisesta", "sulatettu"),
    ),
    "et": DurationWords(
        hour=("tund", "tundi", "tunni"), day=("päev", "päeva"), week=("nädal", "nädalat", "nädala"), month=("kuu", "kuud"), year=("aasta", "aastat"),
        life=("säilivusaeg", "säilib", "säilivus", "tarvitada"),
        opening=("avamist", "avamisest", "avatud"),
    ),
    "lv": DurationWords(
        hour=("stunda", "stundas", "stundu"), day=("diena", "dienas", "dienu"), week=("nedēļa", "nedēļas", "nedēļu"), month=("mēnesis", "mēneši", "mēnešu", "mēn"), year=("gads", "gadi", "gadu"),
        life=("derīguma termiņš", "uzglabāšanas laiks", "izlietot"),
        opening=("atvēršanas", "atverot", "atvērts"),
    ),
    "lt": DurationWords(
        hour=("valanda", "valandos", "valandų", "val"), day=("diena", "dienos", "dienų", "paros", "parų"), week=("savaitė", "savaitės", "savaičių"), month=("mėnuo", "mėnesiai", "mėnesių", "mėn"), year=("metai", "metų"),
        life=("tinkamumo laikas", "laikymo trukmė", "suvartoti per", "tinka vartoti"),
        opening=("atidarius", "atidarymo", "atidarytą"),
    ),
    "pl": DurationWords(
        hour=("godzina", "godziny", "godzin", "godz"), day=("dzień", "dni"), week=("tydzień", "tygodnie", "tygodni"), month=("miesiąc", "miesiące", "miesięcy", "mies"), year=("rok", "lata", "lat"),
        life=("trwałość", "okres trwałości", "okres przydatności", "termin przydatności", "spożyć w ciągu", "zużyć w ciągu"),
        opening=("otwarciu", "otwarcia", "otwarte", "rozmrożeniu"),
    ),
    "cs": DurationWords(
        hour=("hodina", "hodiny", "hodin"), day=("den", "dny", "dnů", "dní"), week=("týden", "týdny", "týdnů"), month=("měsíc", "měsíce", "měsíců"), year=("rok", "roky", "roků", "let"),
        life=("trvanlivost", "doba trvanlivosti", "spotřebujte během", "spotřebujte do"),
        opening=("otevření", "otevřené", "rozmrazení"),
    ),
    "sk": DurationWords(
        hour=("hodina", "hodiny", "hodín"), day=("deň", "dni", "dní"), week=("týždeň", "týždne", "týždňov"), month=("mesiac", "mesiace", "mesiacov"), year=("rok", "roky", "rokov"),
        life=("trvanlivosť", "doba trvanlivosti", "spotrebujte do", "spotrebujte počas"),
        opening=("otvorení", "otvorenia", "rozmrazení"),
    ),
    "sl": DurationWords(
        hour=("ura", "ure", "ur"), day=("dan", "dni", "dnevi", "dneh"), week=("teden", "tedna", "tedni", "tednov"), month=("mesec", "meseca", "meseci", "mesecev"), year=("leto", "leti", "leta", "let"),
        life=("rok trajanja", "obstojnost", "porabiti v", "rok uporabnosti"),
        opening=("odprtju", "odpiranju", "odprto"),
    ),
    "hr": DurationWords(
        hour=("sat", "sata", "sati"), day=("dan", "dana"), week=("tjedan", "tjedna", "tjedana"), month=("mjesec", "mjeseca", "mjeseci"), year=("godina", "godine", "godinu"),
        life=("rok trajanja", "trajnost", "upotrijebiti u roku", "potrošiti u roku"),
        opening=("otvaranja", "otvaranju", "otvoreno"),
    ),
    "hu": DurationWords(
        hour=("óra", "órán"), day=("nap", "napig", "napon"), week=("hét", "hétig", "héten"), month=("hónap", "hónapig", "hó"), year=("év", "évig"),
        life=("eltartható", "szavatossági idő", "minőségét megőrzi", "fogyasztható"),
        opening=("felbontás", "felbontva", "felbontástól", "kiolvasztás", "felnyitás"),
    ),
    "ro": DurationWords(
        hour=("oră", "ore"), day=("zi", "zile"), week=("săptămână", "săptămâni"), month=("lună", "luni"), year=("an", "ani"),
        life=("termen de valabilitate", "valabilitate", "a se consuma în", "se consumă în"),
        opening=("deschidere", "deschis", "decongelare"),
    ),
    "bg": DurationWords(
        hour=("час", "часа"), day=("ден", "дни"), week=("седмица", "седмици"), month=("месец", "месеца"), year=("година", "години"),
        life=("срок на годност", "годност", "да се консумира до", "трайност"),
        opening=("отваряне", "отворено", "отварянето"),
    ),
    "ru": DurationWords(
        hour=("час", "часа", "часов"), day=("день", "дня", "дней", "сут", "суток"), week=("неделя", "недели", "недель"), month=("месяц", "месяца", "месяцев", "мес"), year=("год", "года", "лет"),
        life=("срок годности", "срок хранения", "хранить"),
        opening=("вскрытия", "открытия"),
    ),
    "el": DurationWords(
        hour=("ώρα", "ώρες"), day=("ημέρα", "ημέρες", "ημερών", "μέρες"), week=("εβδομάδα", "εβδομάδες"), month=("μήνας", "μήνες", "μηνών"), year=("έτος", "έτη", "χρόνια"),
        life=("διάρκεια ζωής", "διάρκεια", "κατανάλωση εντός", "να καταναλωθεί εντός"),
        opening=("άνοιγμα", "ανοίγματος", "απόψυξη"),
    ),
    "ga": DurationWords(day=("laethanta",), week=("seachtain", "seachtaine"), month=("mhí", "míonna"), year=("bliain", "bliana"), life=("seilfré",), opening=("oscailte", "oscailt")),
    "mt": DurationWords(day=("jum", "ijiem", "jiem"), week=("ġimgħa", "ġimgħat"), month=("xahar", "xhur"), year=("sena", "snin"), opening=("jinfetaħ", "miftuħ")),
    "tr": DurationWords(
        hour=("saat",), day=("gün",), week=("hafta",), month=("ay",), year=("yıl",),
        life=("raf ömrü", "dayanma süresi", "tavsiye edilen tüketim süresi"),
        opening=("açıldıktan", "açıldıktan sonra", "açılınca"),
    ),
    "vi": DurationWords(hour=("giờ",), day=("ngày",), week=("tuần",), month=("tháng",), year=("năm",), life=("hạn sử dụng", "hsd", "thời hạn sử dụng", "sử dụng trong"), opening=("mở nắp", "mở bao", "sau khi mở")),
    "id": DurationWords(hour=("jam",), day=("hari",), week=("minggu",), month=("bulan",), year=("tahun",), life=("masa simpan", "tahan", "habiskan dalam", "jangka hayat", "gunakan dalam"), opening=("dibuka", "buka")),
    "th": DurationWords(hour=("ชั่วโมง",), day=("วัน",), week=("สัปดาห์",), month=("เดือน",), year=("ปี",), life=("อายุการเก็บ", "เก็บได้"), opening=("หลังเปิด",)),
    "ko": DurationWords(life=("소비기한", "보관기간"), opening=("개봉",)),
    "ja": DurationWords(life=("消費期限", "賞味期限", "保存期間"), opening=("開封", "解凍")),
}
# fmt: on


def words_of(field: str) -> list[str]:
    """The words of one field in all languages, the longest first."""
    found = {word for table in DURATION_WORDS.values() for word in getattr(table, field)}
    return sorted(found, key=lambda word: (-len(word), word))
