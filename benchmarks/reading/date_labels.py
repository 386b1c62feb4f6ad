"""Label texts in many languages with the correct readings, written for this table from public knowledge.

Sources: the words of annex X of Regulation (EU) 1169/2011 in its 24 languages (EUR-Lex), names of months as calendars
of each country print them, GS1 General Specifications, the Canadian Food and Drug Regulations B.01.007, ISO 8601, JIS X
0301 (eras), and the abbreviations seen on labels. Every line is read as on `date_forms.TODAY` (2026-11-22).

One label a line: `/` begins a new line of print; after `=` the kind of date and the day, `?` if the day is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.reading.date_forms import TODAY
from pixel_agent.core import TextLine
from pixel_agent.tasks.rules.expiry import read_expiry
from pixel_agent.tasks.rules.page import Page

LABELS: dict[str, str] = {
    "bg": """
Най-добър до 15.03.2027 = best_before 2027-03-15
най-добър до края на 03.2027 = best_before 2027-03-31
Използвай преди 24.11.2026 = use_by 2026-11-24
Годен до: 22.11.2027 г. = expiry 2027-11-22
Срок на годност: 15 март 2027 = expiry 2027-03-15
Произведено на 15.10.2026 = production 2026-10-15
Дата на опаковане: 20.11.2026 = packed 2026-11-20
Най-добър до 3 юни 2027 = best_before 2027-06-03
Използвай преди / 28 ноември = use_by 2026-11-28
Годен до 01.12. = expiry 2026-12-01
""",
    "cs": """
Minimální trvanlivost do: 15.03.2027 = best_before 2027-03-15
Min. trvanlivost do 15. 3. 2027 = best_before 2027-03-15
Minimální trvanlivost do konce 03/2027 = best_before 2027-03-31
Spotřebujte do 24.11.2026 = use_by 2026-11-24
SPOTREBUJTE DO: 24.11.26 = use_by 2026-11-24
Datum spotřeby: 1. prosince 2026 = use_by 2026-12-01
Datum výroby: 15.10.2026 = production 2026-10-15
Vyrobeno 3. září 2026 = production 2026-09-03
Zabaleno dne 20.11.2026 = packed 2026-11-20
Spotřebujte do / 28.11. = use_by 2026-11-28
Použitelné do: 06/2028 = expiry 2028-06-30
DMT 15 LIS 2027 = best_before 2027-11-15
""",
    "da": """
Bedst før 15.03.2027 = best_before 2027-03-15
BEDST FØR: 15-03-27 = best_before 2027-03-15
Bedst før udgangen af marts 2027 = best_before 2027-03-31
Mindst holdbar til og med 15.03.27 = best_before 2027-03-15
MINDST HOLDBAR TIL / 22.11.27 = best_before 2027-11-22
Sidste anvendelsesdato 24.11.2026 = use_by 2026-11-24
Sidste anvendelsesdato: 24. nov = use_by 2026-11-24
Pakket den 20.11.2026 = packed 2026-11-20
Produktionsdato: 15 okt 2026 = production 2026-10-15
Udløbsdato 12-2027 = expiry 2027-12-31
Bedst før 15 maj 2027 = best_before 2027-05-15
""",
    "de": """
Mindestens haltbar bis: 15.03.2027 = best_before 2027-03-15
Mindestens haltbar bis Ende 03.2027 = best_before 2027-03-31
mind. haltbar bis 15.03.27 = best_before 2027-03-15
MHD: 05.06.27 = best_before 2027-06-05
M.H.D. 28.10.27 = best_before 2027-10-28
MHD 15MRZ27 = best_before 2027-03-15
Zu verbrauchen bis 24.11.2026 = use_by 2026-11-24
zu verbrauchen bis: / 24.11. = use_by 2026-11-24
zu verbr. bis 1. Dez 2026 = use_by 2026-12-01
Verbrauchen bis Fr. 27.11. = use_by 2026-11-27
Mindestens / haltbar bis / 22.11.2027 = best_before 2027-11-22
verpackt am 20.11.26 = packed 2026-11-20
hergestellt am 15.10.2026 = production 2026-10-15
verwendbar bis 06/2028 = expiry 2028-06-30
Haltbar bis (TT.MM.JJ) 05.06.27 = best_before 2027-06-05
Ungeöffnet haltbar bis 15. Jänner 2027 = best_before 2027-01-15
MHD 15. März 2027 = best_before 2027-03-15
MHD 31.04.2027 = ?
""",
    "el": """
Ανάλωση κατά προτίμηση πριν από 15/03/2027 = best_before 2027-03-15
ΑΝΑΛΩΣΗ ΚΑΤΑ ΠΡΟΤΙΜΗΣΗ ΠΡΙΝ ΑΠΟ: 15/03/27 = best_before 2027-03-15
Ανάλωση κατά προτίμηση / πριν από το τέλος 03/2027 = best_before 2027-03-31
Ανάλωση έως 24/11/2026 = use_by 2026-11-24
ΑΝΑΛΩΣΗ ΕΩΣ: 24.11.26 = use_by 2026-11-24
Ημερομηνία λήξης: 15 Μαρτίου 2027 = expiry 2027-03-15
ΛΗΞΗ 22/11/27 = expiry 2027-11-22
Ημ. παραγωγής 15/10/2026 = production 2026-10-15
Ημερομηνία συσκευασίας 20/11/2026 = packed 2026-11-20
Ανάλωση έως 3 ΔΕΚ 2026 = use_by 2026-12-03
""",
    "en": """
BEST BEFORE 15 MAR 2027 = best_before 2027-03-15
Best before end: Mar 2027 = best_before 2027-03-31
BEST BEFORE / END / NOV 2027 = best_before 2027-11-30
BB 15MAR27 = best_before 2027-03-15
BBE 03/2027 = best_before 2027-03-31
BEST BEFORE 15/03/27 L123 14:05 = best_before 2027-03-15
BEST BY MAR 15 2027 = best_before 2027-03-15
BEST BY 03/15/27 = best_before 2027-03-15
Best if used by March 15, 2027 = best_before 2027-03-15
BEST IF USED BY / MAR 15 27 = best_before 2027-03-15
ENJOY BY 12/24/26 = use_by 2026-12-24
USE BY 24 NOV = use_by 2026-11-24
USE BY / FRI 27 NOV = use_by 2026-11-27
USE BY: 24.11.26 = use_by 2026-11-24
USE OR FREEZE BY / NOV 28 2026 = use_by 2026-11-28
Use by 05 JAN = use_by 2027-01-05
SELL BY 11.25.26 = sell_by 2026-11-25
DISPLAY UNTIL 26 NOV = sell_by 2026-11-26
EXP 27045 = expiry 2027-02-14
EXP. 2027-045 = expiry 2027-02-14
EXP 00/11/2027 = expiry 2027-11-30
EXP: 15 III 2027 = expiry 2027-03-15
EXP 31/04/27 = ?
EXP 30 FEB 2027 = ?
USE BY 31 NOV = ?
EXPIRY: 15-MAR-2027 = expiry 2027-03-15
EXP15MAR2027 = expiry 2027-03-15
Expires 15th March 2027 = expiry 2027-03-15
EXP 2027/03 = expiry 2027-03-31
E 28 10 27 = expiry 2027-10-28
BEST-BY 22 NOV 2027 = best_before 2027-11-22
DO NOT USE AFTER 22 NOV 2026 = use_by 2026-11-22
Best Before: 2027 MR 15 = best_before 2027-03-15
MEILLEUR AVANT / BEST BEFORE / 27 NO 15 = best_before 2027-11-15
PACKED ON 20 NOV 26 = packed 2026-11-20
Date of manufacture: 15/10/2026 = production 2026-10-15
BAKED ON 21 NOV = production 2026-11-21
MFG 15 OCT 2026 = production 2026-10-15
EXP.: 12-2027 = expiry 2027-12-31
Use by Mon 30 Nov = use_by 2026-11-30
BB 2027/AL/15 = best_before 2027-04-15
EXP 15 FEB27 = expiry 2027-02-15
EXP DATE MM/YYYY 06/2027 = expiry 2027-06-30
EXP 15.O3.27 = expiry 2027-03-15
BEST BEF0RE I5 SEP 2O27 = best_before 2027-09-15
BEST BEFORE / DATE: SEE BASE / 22NOV27 L1 10:22 = best_before 2027-11-22
EXP 2027-13-05 = ?
EXP 326 27 = ?
(15)270315 = best_before 2027-03-15
(01)09501101530003(17)270300(10)AB-12 = expiry 2027-03-31
""",
    "es": """
Consumir preferentemente antes del 15/03/2027 = best_before 2027-03-15
Consumir preferentemente antes / del fin de: 03/2027 = best_before 2027-03-31
CONS. PREF. ANTES DEL: 15-03-27 = best_before 2027-03-15
Consúmase preferentemente antes de 15 MAR 27 = best_before 2027-03-15
Consumo preferente: 15.03.2027 = best_before 2027-03-15
Fecha de caducidad: 24/11/2026 = use_by 2026-11-24
CAD 24/11/26 = use_by 2026-11-24
CADUCA 24 NOV = use_by 2026-11-24
F. CAD.: 24/11/2026 = use_by 2026-11-24
F.V. 22/11/2027 = expiry 2027-11-22
VENCE 15 ENE 2027 = expiry 2027-01-15
VTO: 05/27 = expiry 2027-05-31
Fecha de vencimiento 22 de noviembre de 2027 = expiry 2027-11-22
F. ELAB: 15/10/2026 = production 2026-10-15
Fabricado el 15 de octubre de 2026 = production 2026-10-15
Fecha de envasado 20/11/2026 = packed 2026-11-20
CONSUMIR ANTES DE 24 DIC 2026 = use_by 2026-12-24
V: 22/11/27 = expiry 2027-11-22
""",
    "et": """
Parim enne 15.03.2027 = best_before 2027-03-15
Parim enne: 15.03.27 = best_before 2027-03-15
PARIM ENNE LÕPPU 03.2027 = best_before 2027-03-31
Kõlblik kuni 24.11.2026 = use_by 2026-11-24
KÕLBLIK KUNI / 24.11. = use_by 2026-11-24
Parim enne 15. märts 2027 = best_before 2027-03-15
Kõlblik kuni 3. detsember 2026 = use_by 2026-12-03
Valmistatud 15.10.2026 = production 2026-10-15
Pakendatud: 20.11.2026 = packed 2026-11-20
Parim enne 15 VEEBR 2027 = best_before 2027-02-15
""",
    "fi": """
Parasta ennen 15.03.2027 = best_before 2027-03-15
PARASTA ENNEN: 15.3.2027 = best_before 2027-03-15
Parasta ennen / 15.03.27 = best_before 2027-03-15
Parasta ennen 15. maaliskuuta 2027 = best_before 2027-03-15
Viimeinen käyttöajankohta 24.11.2026 = use_by 2026-11-24
Viim. käyttöpäivä 24.11. = use_by 2026-11-24
Viimeinen käyttöpäivä: 3. joulukuuta = use_by 2026-12-03
Pakattu 20.11.2026 = packed 2026-11-20
Valmistuspäivä 15.10.2026 = production 2026-10-15
Parasta ennen 11/2027 = best_before 2027-11-30
Pakkauspäivä 20.11.26 = packed 2026-11-20
""",
    "fr": """
À consommer de préférence avant le 15/03/2027 = best_before 2027-03-15
À consommer de préférence avant fin 03/2027 = best_before 2027-03-31
A CONSOMMER DE PREFERENCE / AVANT LE : 15.03.27 = best_before 2027-03-15
À conso. de préf. avant : 15/03/27 = best_before 2027-03-15
A CONSOMMER DE PREFERENCE AVANT FIN MARS 2027 = best_before 2027-03-31
À consommer jusqu'au 24/11/2026 = use_by 2026-11-24
A CONSOMMER JUSQU'AU : / 24 NOV = use_by 2026-11-24
A consommer jusqu'au: mer 25/11 = use_by 2026-11-25
DLC 24.11.26 = use_by 2026-11-24
DDM : 15 MARS 2027 = best_before 2027-03-15
DLUO 05/06/27 = best_before 2027-06-05
Date limite de consommation : 1er déc. 2026 = use_by 2026-12-01
Meilleur avant 15 AVR 2027 = best_before 2027-04-15
Fabriqué le 15/10/2026 = production 2026-10-15
Emballé le 20/11/2026 = packed 2026-11-20
Expire le 22 août 2027 = expiry 2027-08-22
(JJ/MM/AA) DLC 05/12/26 = use_by 2026-12-05
""",
    "ga": """
Is fearr roimh 15/03/2027 = best_before 2027-03-15
IS FEARR ROIMH: 15.03.27 = best_before 2027-03-15
Is fearr roimh dheireadh 03/2027 = best_before 2027-03-31
Úsáid faoi 24/11/2026 = use_by 2026-11-24
Úsáid faoi 24 Samhain 2026 = use_by 2026-11-24
Is fearr roimh 15 Márta 2027 = best_before 2027-03-15
Pacáilte 20/11/2026 = packed 2026-11-20
Is fearr roimh 15 Bealtaine 2027 = best_before 2027-05-15
""",
    "hr": """
Najbolje upotrijebiti do 15.03.2027 = best_before 2027-03-15
Najbolje upotrijebiti do: 15.03.2027. = best_before 2027-03-15
Najbolje upotrijebiti do kraja 03/2027 = best_before 2027-03-31
Upotrijebiti do 24.11.2026 = use_by 2026-11-24
UPOTRIJEBITI DO: 24.11. = use_by 2026-11-24
Najbolje upotrijebiti do 15. listopada 2027 = best_before 2027-10-15
Upotrijebiti do 3. prosinca 2026 = use_by 2026-12-03
Rok valjanosti: 22.11.27 = expiry 2027-11-22
Datum proizvodnje 15.10.2026 = production 2026-10-15
Pakirano 20.11.2026 = packed 2026-11-20
""",
    "hu": """
Minőségét megőrzi: 2027.03.15 = best_before 2027-03-15
Minőségét megőrzi 2027. 03. 15. = best_before 2027-03-15
MINŐSÉGÉT MEGŐRZI / 2027. március 15. = best_before 2027-03-15
Minőségét megőrzi: 27.03.15 = best_before 2027-03-15
Fogyasztható: 2026.11.24 = use_by 2026-11-24
Fogyasztható 2026. december 3-ig = use_by 2026-12-03
Lejárat: 2027.11.22 = expiry 2027-11-22
Gyártás ideje: 2026.10.15 = production 2026-10-15
Csomagolva 2026.11.20 = packed 2026-11-20
FOGYASZTHATÓ: 11.24. = use_by 2026-11-24
Minőségét megőrzi 2027 JÚN 15 = best_before 2027-06-15
""",
    "id": """
Baik digunakan sebelum 15 03 27 = best_before 2027-03-15
BAIK DIGUNAKAN SEBELUM / 15 MAR 2027 = best_before 2027-03-15
Baik digunakan sebelum: 15 Agustus 2027 = best_before 2027-08-15
Kedaluwarsa 22-11-2027 = expiry 2027-11-22
EXP: 15 DES 2026 = expiry 2026-12-15
Tgl. Kadaluarsa: 15 Mei 2027 = expiry 2027-05-15
Tanggal produksi 15-10-2026 = production 2026-10-15
KODE PRODUKSI 15 OKT 2026 = production 2026-10-15
""",
    "it": """
Da consumarsi preferibilmente entro il 15/03/2027 = best_before 2027-03-15
Da consumarsi preferibilmente / entro il: 15.03.27 = best_before 2027-03-15
Da consumarsi preferibilmente entro fine: 03/2027 = best_before 2027-03-31
Da consumare entro il 24/11/2026 = use_by 2026-11-24
DA CONSUMARE ENTRO: 24 NOV = use_by 2026-11-24
Scadenza 15 GIU 2027 = use_by 2027-06-15
SCAD. 05/06/27 = use_by 2027-06-05
TMC 15/03/2027 = best_before 2027-03-15
Cons. pref. entro 22.11.27 = best_before 2027-11-22
Prodotto il 15 ottobre 2026 = production 2026-10-15
Confezionato il 20/11/2026 = packed 2026-11-20
Da consumarsi entro il 3 dicembre 2026 = use_by 2026-12-03
Consumare preferibilmente entro MAG 2027 = best_before 2027-05-31
""",
    "ja": """
賞味期限 2027.3.15 = best_before 2027-03-15
賞味期限 27.03.15 = best_before 2027-03-15
賞味期限 令和9年3月15日 = best_before 2027-03-15
賞味期限 令和9.3.15 = best_before 2027-03-15
賞味期限 R9.3.15 = best_before 2027-03-15
賞味期限 9.3.15 = best_before 2027-03-15
賞味期限 令和 9年 3月 15日 = best_before 2027-03-15
消費期限 R08.11.30 = use_by 2026-11-30
賞味期限 2027年3月 = best_before 2027-03-31
賞味期限 / 270315 = best_before 2027-03-15
消費期限 11.24 = use_by 2026-11-24
消費期限 11月24日 = use_by 2026-11-24
消費期限 26.11.24 / 15時 = use_by 2026-11-24
製造年月日 2026.10.15 = production 2026-10-15
加工日 26.11.20 = packed 2026-11-20
賞味期限 2027/03/15 +A01 = best_before 2027-03-15
""",
    "ko": """
유통기한 2027.03.15까지 = expiry 2027-03-15
소비기한: 2026.11.24 = use_by 2026-11-24
소비기한 2026년 11월 24일 = use_by 2026-11-24
제조일자 2026.10.15 = production 2026-10-15
유통기한: 27.03.15 = expiry 2027-03-15
2027.03.15 까지 = expiry 2027-03-15
품질유지기한 2027.03.15 = best_before 2027-03-15
소비기한 11.24 = use_by 2026-11-24
""",
    "lt": """
Geriausias iki 2027-03-15 = best_before 2027-03-15
Geriausias iki: 2027 03 15 = best_before 2027-03-15
Geriausias iki 2027 m. kovo 15 d. = best_before 2027-03-15
Geriausias iki / 2027.03.15 = best_before 2027-03-15
Tinka vartoti iki 2026-11-24 = use_by 2026-11-24
TINKA VARTOTI IKI: 11 24 = ?
Tinka vartoti iki gruodžio 3 d. = use_by 2026-12-03
Pagaminta 2026-10-15 = production 2026-10-15
Supakuota 2026.11.20 = packed 2026-11-20
Geriausias iki pabaigos: 2027-03 = best_before 2027-03-31
""",
    "lv": """
Ieteicams līdz 15.03.2027 = best_before 2027-03-15
Ieteicams līdz: 15.03.2027. = best_before 2027-03-15
Ieteicams līdz beigām 03.2027 = best_before 2027-03-31
Izlietot līdz 24.11.2026 = use_by 2026-11-24
IZLIETOT LĪDZ: / 24.11. = use_by 2026-11-24
Ieteicams līdz 2027. gada 15. martam = best_before 2027-03-15
Derīgs līdz 22.11.27 = expiry 2027-11-22
Ražots 15.10.2026 = production 2026-10-15
Iepakots 20.11.2026 = packed 2026-11-20
Izlietot līdz 3. decembrim = use_by 2026-12-03
""",
    "mt": """
L-aħjar jintuża qabel 15/03/2027 = best_before 2027-03-15
L-AĦJAR JINTUŻA QABEL: 15.03.27 = best_before 2027-03-15
L-aħjar jintuża qabel tmiem 03/2027 = best_before 2027-03-31
Uża sa 24/11/2026 = use_by 2026-11-24
UŻA SA: 24 NOV = use_by 2026-11-24
L-aħjar jintuża qabel 15 ta' Marzu 2027 = best_before 2027-03-15
Uża sa 3 ta' Diċembru 2026 = use_by 2026-12-03
Ippakkjat fi 20/11/2026 = packed 2026-11-20
""",
    "nb": """
Best før 15.03.2027 = best_before 2027-03-15
Best før: 15.03.27 = best_before 2027-03-15
BEST FØR / 15 DES 2026 = best_before 2026-12-15
Best før utgangen av mars 2027 = best_before 2027-03-31
Siste forbruksdag 24.11.2026 = use_by 2026-11-24
Siste forbruksdag: 24.11. = use_by 2026-11-24
Pakket 20.11.26 = packed 2026-11-20
Produksjonsdato 15.10.2026 = production 2026-10-15
BEST FOR 22.11.2027 = best_before 2027-11-22
""",
    "nl": """
Ten minste houdbaar tot 15-03-2027 = best_before 2027-03-15
Ten minste houdbaar tot einde: 03-2027 = best_before 2027-03-31
Tenminste houdbaar tot: / 15 mrt 2027 = best_before 2027-03-15
THT 15-03-27 = best_before 2027-03-15
THT: 05-06-27 = best_before 2027-06-05
T.H.T. 15 MEI 2027 = best_before 2027-05-15
Te gebruiken tot 24-11-2026 = use_by 2026-11-24
TE GEBRUIKEN TOT / 24-11 = use_by 2026-11-24
TGT 24.11.26 = use_by 2026-11-24
Te gebruiken tot en met 3 december 2026 = use_by 2026-12-03
Verpakt op 20-11-2026 = packed 2026-11-20
Productiedatum: 15 oktober 2026 = production 2026-10-15
THT 4e jan 2027 = best_before 2027-01-04
""",
    "pl": """
Najlepiej spożyć przed: 15.03.2027 = best_before 2027-03-15
Najlepiej spożyć przed końcem: 03.2027 = best_before 2027-03-31
NAJLEPIEJ SPOŻYĆ PRZED / 15.03.27 = best_before 2027-03-15
Najlepiej spożyć przed 15 STY 2027 = best_before 2027-01-15
Najlepiej spożyć przed: 15.III.2027 = best_before 2027-03-15
Należy spożyć do: 24.11.2026 = use_by 2026-11-24
NALEŻY SPOŻYĆ DO 24.11 = use_by 2026-11-24
Termin przydatności do spożycia: 3 grudnia 2026 = use_by 2026-12-03
Data ważności: 22.11.2027 = expiry 2027-11-22
Data produkcji 15.10.2026 r. = production 2026-10-15
Zapakowano: 20.11.2026 = packed 2026-11-20
Spożyć do 15 GRU = use_by 2026-12-15
Najlepiej spożyć przed 15 paź 2027 = best_before 2027-10-15
""",
    "pt": """
Consumir de preferência antes de 15/03/2027 = best_before 2027-03-15
Consumir de preferência / antes do fim de: 03/2027 = best_before 2027-03-31
CONSUMIR DE PREFERENCIA ANTES DE: 15.03.27 = best_before 2027-03-15
Consumir até 24/11/2026 = use_by 2026-11-24
Consumir até: 24 NOV = use_by 2026-11-24
Validade: 15/05/2027 = expiry 2027-05-15
VAL 15 MAI 27 = expiry 2027-05-15
Val.: 05/06/27 = expiry 2027-06-05
Data de fabricação: 15/10/2026 = production 2026-10-15
FAB 15OUT26 = production 2026-10-15
Embalado em 20/11/2026 = packed 2026-11-20
VENC: 22 de dezembro de 2027 = expiry 2027-12-22
L: A12 V: 15/02/2027 = expiry 2027-02-15
""",
    "ro": """
A se consuma de preferință înainte de 15.03.2027 = best_before 2027-03-15
A se consuma de preferință / înainte de: 15.03.27 = best_before 2027-03-15
A se consuma, de preferință, înainte de sfârșitul 03.2027 = best_before 2027-03-31
Expiră la data de 24.11.2026 = use_by 2026-11-24
EXPIRA LA: 24.11. = use_by 2026-11-24
Data expirării: 15 martie 2027 = expiry 2027-03-15
Valabil până la 22.11.2027 = expiry 2027-11-22
Fabricat la data de 15.10.2026 = production 2026-10-15
Ambalat la 20.11.2026 = packed 2026-11-20
EXP 15 IUN 2027 = expiry 2027-06-15
A se consuma până la 3 dec. 2026 = use_by 2026-12-03
""",
    "sk": """
Minimálna trvanlivosť do: 15.03.2027 = best_before 2027-03-15
Min. trvanlivosť do konca: 03/2027 = best_before 2027-03-31
Spotrebujte do 24.11.2026 = use_by 2026-11-24
Spotrebujte do: 24. 11. = use_by 2026-11-24
SPOTREBUJTE DO / 24.11.26 = use_by 2026-11-24
Dátum výroby 15. októbra 2026 = production 2026-10-15
Balené 20.11.2026 = packed 2026-11-20
Minimálna trvanlivosť do 15 MÁJ 2027 = best_before 2027-05-15
Dátum spotreby: 3. decembra 2026 = use_by 2026-12-03
""",
    "sl": """
Uporabno najmanj do 15.03.2027 = best_before 2027-03-15
Uporabno najmanj do: / 15. 3. 2027 = best_before 2027-03-15
Uporabno najmanj do konca 03.2027 = best_before 2027-03-31
Porabiti do 24.11.2026 = use_by 2026-11-24
PORABITI DO: 24.11. = use_by 2026-11-24
Rok uporabe 22.11.27 = expiry 2027-11-22
Pakirano 20.11.2026 = packed 2026-11-20
Uporabno najmanj do 15. avgust 2027 = best_before 2027-08-15
Datum proizvodnje 15.10.2026 = production 2026-10-15
""",
    "sv": """
Bäst före 2027-03-15 = best_before 2027-03-15
BÄST FÖRE 270315 = best_before 2027-03-15
Bäst före: 15.03.2027 = best_before 2027-03-15
BÄST FÖRE / 24DEC 03 10:31 = best_before 2026-12-24
BÄST FÖRE 24JUN 03 1031 = ?
Bäst före utgången av mars 2027 = best_before 2027-03-31
Sista förbrukningsdag 2026-11-24 = use_by 2026-11-24
Sista förbrukningsdag 24 nov = use_by 2026-11-24
Förpackningsdag 2026-11-20 = packed 2026-11-20
Tillverkad 2026-10-15 = production 2026-10-15
BAST FORE 15 MAJ 2027 = best_before 2027-05-15
bäst före 22 nov -27 = best_before 2027-11-22
Sista förbrukningsdag: tis 24/11 = use_by 2026-11-24
Bäst före 15 augusti 2027 = best_before 2027-08-15
""",
    "th": """
หมดอายุ 15/03/2570 = expiry 2027-03-15
วันหมดอายุ 15/03/70 = expiry 2027-03-15
ควรบริโภคก่อน 15 มี.ค. 2570 = best_before 2027-03-15
ควรบริโภคก่อน 15 มีนาคม 2570 = best_before 2027-03-15
ผลิต 15/10/2569 = production 2026-10-15
EXP 15/03/2570 = expiry 2027-03-15
15/03/2570 หมดอายุ = expiry 2027-03-15
MFG 15/10/2569 = production 2026-10-15
EXP 15032570 = expiry 2027-03-15
""",
    "tr": """
TETT: 15.03.2027 = best_before 2027-03-15
T.E.T.T. 15/03/27 = best_before 2027-03-15
Tavsiye Edilen Tüketim Tarihi: 15.03.2027 = best_before 2027-03-15
Tavsiye edilen / tüketim tarihi 03/2027 = best_before 2027-03-31
SKT 22.11.2027 = expiry 2027-11-22
Son Kullanma Tarihi: 15 Ocak 2027 = expiry 2027-01-15
S.T.T. 24.11.2026 = use_by 2026-11-24
Son tüketim tarihi 3 Aralık 2026 = use_by 2026-12-03
Üretim Tarihi: 15.10.2026 = production 2026-10-15
Ü.T. 15 Eki 2026 = production 2026-10-15
SKT 22/11/27 PN:1234 = expiry 2027-11-22
SKT 15 ŞUB 2027 = expiry 2027-02-15
Paketleme tarihi 20.11.2026 = packed 2026-11-20
""",
    "vi": """
HSD: 15/03/2027 = expiry 2027-03-15
Hạn sử dụng: 15-03-2027 = expiry 2027-03-15
HAN SU DUNG 15.03.27 = expiry 2027-03-15
Hạn sử dụng: ngày 15 tháng 3 năm 2027 = expiry 2027-03-15
NSX: 15/10/2026 = production 2026-10-15
Ngày sản xuất 15/10/26 = production 2026-10-15
Sử dụng tốt nhất trước 15/03/2027 = best_before 2027-03-15
HSD 150327 = expiry 2027-03-15
""",
    "zh": """
保质期至 2027.03.15 = expiry 2027-03-15
保质期至 11月30日 = expiry 2026-11-30
有效日期:民國116.03.15 = expiry 2027-03-15
有效日期 116/03/15 = expiry 2027-03-15
有效期限:民國116年3月15日 = expiry 2027-03-15
製造日期 民國115年10月15日 = production 2026-10-15
赏味期限 27.03.15 = best_before 2027-03-15
生产日期 11.20 = production 2026-11-20
此日期前最佳 2027年03月 = best_before 2027-03-31
保质期至 2027.02.30 = ?
请于2026年11月24日前食用 = use_by 2026-11-24
包装日期 26/11/20 = packed 2026-11-20
""",
    "ru": """
Годен до 15.03.2027 = expiry 2027-03-15
Срок годности до: 15.03.27 = expiry 2027-03-15
Употребить до 24.11.2026 = use_by 2026-11-24
Дата изготовления 15.10.2026 = production 2026-10-15
Годен до 15 марта 2027 г. = expiry 2027-03-15
""",
}


@dataclass(frozen=True, slots=True)
class DateLabel:
    """Printed lines, with the correct field and day; None if the day cannot be determined."""

    language: str
    lines: tuple[str, ...]
    field: str | None
    day: str | None


def date_labels() -> list[DateLabel]:
    """Every label of the table; a packing date counts as a production date."""
    found = []
    for language, table in LABELS.items():
        for row in table.strip().split("\n"):
            lines, _, right = row.rpartition(" = ")
            field, day = (None, None) if right == "?" else right.split()
            found.append(
                DateLabel(language, tuple(lines.split(" / ")), "production" if field == "packed" else field, day)
            )
    return found


def read_label(label: DateLabel) -> tuple[str | None, str | None]:
    """The field and day of the single row that the rules make of a label."""
    rows = read_expiry(_page(label.lines)).items
    fields = rows[0].fields if rows else {}
    if fields.get("expiry_date"):
        return fields["date_type"], fields["expiry_date"]  # type: ignore[return-value]  # both are texts
    made = fields.get("production_date")
    return ("production", str(made)) if made else (None, None)


def _page(texts: tuple[str, ...]) -> Page:
    """A page with the lines below each other, letters 20 pixels high."""
    lines = []
    for row, text in enumerate(texts):
        width, top = 11.0 * len(text), 10.0 + 26 * row
        lines.append(TextLine(text, ((10, top), (10 + width, top), (10 + width, top + 20), (10, top + 20)), 0.95))
    return Page(tuple(lines), 2000, 2000, TODAY)
