"""Words and patterns on storefronts, for `places.py`: business kinds, opening, slogans, telephones, addresses."""

from __future__ import annotations

import re
from typing import Final

CATEGORIES: Final[tuple[tuple[str, str, re.Pattern[str]], ...]] = tuple(
    (zh, en, re.compile(words))
    for zh, en, words in (
        ("药店", "pharmacy", "药房|药店|大药|医药|藥局|藥房|国药|PHARMAC|DRUG\\s?STORE|APOTHEKE"),
        ("医疗", "clinic", "诊所|口腔|牙科|齿科|中医|医院|卫生室|CLINIC|DENTAL|HOSPITAL"),
        (
            "便利店",
            "convenience store",
            "便利|24H?小时店|全家|罗森|7-?ELEVEN|FAMILY\\s?MART|LAWSON|美宜佳|CONVENIENCE|MINI\\s?MART",
        ),
        ("超市", "supermarket", "超市|超级市场|大卖场|SUPER\\s?MARKET|HYPERMARKET|GROCERY"),
        ("烟酒", "tobacco and liquor", "烟酒|名烟|名酒|酒行|酒庄|酒类|LIQUOR|TOBACCO"),
        ("酒店", "hotel", "酒店|宾馆|旅馆|旅店|民宿|公寓|客栈|飯店|HOTEL|HOSTEL|\\bINN\\b"),
        ("烘焙", "bakery", "面包|蛋糕|烘焙|西点|甜品|麵包|BAKERY|BREAD|CAKE|DESSERT|PATISSERIE"),
        (
            "饮品",
            "drinks",
            "奶茶|茶饮|咖啡|果汁|鲜榨|茶百道|蜜雪|瑞幸|星巴克|COFFEE|CAFE|CAFÉ|\\bTEA\\b|JUICE|茶馆|茶楼",
        ),
        ("理发", "hairdresser", "理发|美发|发型|造型|烫染|发廊|剪发|HAIR|BARBER|SALON"),
        ("美容", "beauty", "美容|美甲|美睫|纹绣|SPA|足疗|按摩|养生馆|足浴|NAILS?\\b|BEAUTY|MASSAGE"),
        ("水果", "fruit", "水果|果园|百果|鲜果|果业|FRUIT"),
        ("生鲜", "fresh food", "生鲜|鲜肉|肉铺|海鲜店|水产|菜市场|农贸|蔬菜|粮油|BUTCHER|SEAFOOD\\s?MARKET"),
        (
            "餐饮",
            "restaurant",
            "餐|饭店|饭馆|酒楼|酒家|食堂|食府|菜馆|火锅|烧烤|烤肉|烤鱼|烤鸭|小吃|面馆|拉面|米线|米粉|粉店|麻辣烫|麻辣香锅|冒菜|饺子|包子|馄饨|"
            "馒头|煎饼|炸鸡|汉堡|披萨|比萨|串串|撸串|寿司|料理|牛排|牛肉面|盖浇饭|黄焖鸡|龙虾|大排档|早点|早餐|快餐|卤味|鸭脖|熟食|小龙虾|粥|川菜|湘菜|粤菜|鸡排|"
            "酸菜鱼|凉皮|肉夹馍|沙县|兰州|RESTAURANT|PIZZA|BURGER|NOODLE|\\bBBQ\\b|GRILL|KITCHEN|SUSHI|HOT\\s?POT|DINER|BISTRO|CHICKEN|居酒屋|食堂",
        ),
        ("服装", "clothing", "服装|服饰|女装|男装|童装|内衣|鞋店|鞋业|皮具|FASHION|CLOTH|SHOES|BOUTIQUE"),
        ("母婴", "mother and baby", "母婴|孕婴|婴童|奶粉|BABY"),
        ("宠物", "pets", "宠物|PETS?\\b"),
        ("眼镜", "optician", "眼镜|OPTIC|GLASSES"),
        (
            "手机数码",
            "electronics",
            "手机|数码|通讯|电脑|中国移动|中国联通|中国电信|电器|家电|MOBILE|PHONES|ELECTRONIC",
        ),
        ("文具", "stationery", "文具|书店|书城|图文|打印|文印|BOOK|STATIONERY|PRINT"),
        ("五金建材", "hardware", "五金|建材|灯饰|水电|门窗|装饰|油漆|HARDWARE"),
        ("洗衣", "laundry", "洗衣|干洗|LAUNDRY|DRY\\s?CLEAN"),
        ("汽车服务", "car service", "汽修|洗车|汽车|轮胎|加油站|AUTO|TYRE|TIRE|CAR\\s?WASH"),
        ("银行", "bank", "银行|信用社|BANK\\b"),
        ("快递", "parcels", "快递|驿站|物流|顺丰|EXPRESS\\b|PARCEL"),
        ("房产", "estate agent", "房产|地产|置业|中介|链家|REAL\\s?ESTATE"),
        ("健身", "gym", "健身|瑜伽|GYM\\b|FITNESS|YOGA"),
        ("花店", "florist", "鲜花|花店|花艺|FLORIST|FLOWER"),
        ("珠宝", "jewellery", "珠宝|黄金|首饰|银饰|JEWEL"),
        ("彩票", "lottery", "彩票|福彩|体彩|LOTTERY"),
    )
)

CLOSED: Final = re.compile(
    "休息中|休息日|本日休息|今日休息|今天休息|暂停(?:营业|服务)|停止营业|停业|歇业|打烊|店休|已关(?:门|店)|关门|盘点中|暫停營業|休業|公休|準備中"
    r"|(?<![A-Z])CLOSED(?![A-Z])"
)
OPEN: Final = re.compile(
    r"(?<!暂停)(?<!停止)(?<!未)(?:正在)?营业中|正在营业|正常营业|照常营业|營業中|(?<![A-Z])OPEN(?!\s*(?:ING|HOUR|TIME|AT|FROM|24|\d|:|[A-Z]))"
    r"|(?:WE\s*(?:'RE|ARE)|NOW)\s*OPEN(?![A-Z])|OPEN\s*NOW"
)

SHOP: Final = re.compile(
    "(?:超市|超級市場|超级市场|便利|商店|商行|商场|商城|商厦|百货|卖场|菜市场|市场|市集|广场店|专卖|直营|连锁|分店|旗舰店|药房|药店|藥局|藥房|大药|诊所|口腔|牙科|医院|"
    "酒店|宾馆|旅馆|客栈|民宿|饭店|飯店|餐厅|餐廳|餐馆|酒楼|酒家|食堂|食府|食坊|小吃|快餐|火锅城?|大排档|烘焙坊?|面包房|蛋糕房|理发|美发|发型设计|造型|发廊|美容|美甲|养生|足道|会所|"
    "影院|网吧|书店|书城|银行|信用社|彩票|驿站|洗衣|干洗|汽修|洗车|加油站|工作室|健身房?|棋牌|茶楼|茶社|咖啡|奶茶|水果|烟酒|五金|母婴|宠物)[^店]{0,2}$"
    "|[一-鿿][店馆館铺鋪舖行坊轩軒阁閣斋齋吧][)）]?$|[^\\d一二三四五六七八九十层几各本]楼$|店[(（][^)）]{1,10}[)）]?$|\\d+号?店$"
    "|\\b(?:SUPER|HYPER|MINI|FAMILY)?\\s?MARKET\\b|\\b\\w*MART\\b|\\bSTORES?\\b|\\bSHOP\\b|\\bCAFE\\b|COFFEE|\\bRESTAURANT\\b|PHARMACY|DRUG\\s?STORE|BAKERY|\\bHOTEL\\b|"
    "\\bSALON\\b|\\bBARBER\\b|\\bBISTRO\\b|\\bDINER\\b|\\bBANK\\b|\\bCLINIC\\b|\\bBOUTIQUE\\b|7-?ELEVEN|LAWSON|GROCERY|KITCHEN|NOODLE|PIZZA|全家$|罗森|美宜佳"
)
"""Words of shop names, mostly at the end, that do not end names of goods (in normalised, packed text)."""

PRAISE: Final = re.compile("美味|新鲜|放心|好吃|品质|专业")
"""Words of slogans that also occur in short shop names: 美味佳快餐店."""

SOLD_AS_GOODS: Final = re.compile(
    "(?:咖啡|奶茶|水果|烟酒|造型|养生|洗衣|干洗|口腔|美容|美甲|美发|健身|母婴|宠物|火锅|小吃|快餐|烘焙|五金|便利|专卖|直营|连锁|市集|市场|驿站)[^店]{0,2}$"
    "|COFFEE|PIZZA|NOODLE|KITCHEN|PHARMACY|SALON"
)
"""Words of `SHOP` that are also printed on packages: they count only on a page with few lines and no goods."""

HOURS: Final = re.compile(
    r"营业时间|營業時間|\d{1,2}:\d{2}\s*[-~至到]\s*\d{1,2}:\d{2}|24\s?(?:小时|H)(?:营业)?|OPEN(?:ING)?\s*(?:HOURS|TIMES?)|(?:MON|DAILY)\w*.{0,12}\d\s*(?:AM|PM|:)"
)

GOODS: Final = re.compile(
    r"[¥￥]|\d\s*元|生产日期|保质期|净含量|配料|产地|规格|条码|计价单位|零售价|会员价|生产商|制造商|委托|执行标准|贮存|储存|食用方法|营养成分|批号|火[灾災警]|疏散|紧急|緊急|EMERGENCY|OF FIRE|INGREDIENTS|NET\s*W|BEST BEFORE"
)
"""Words on product labels, price tags and emergency plans: addresses and telephones beside them are no shop's."""

NO_NAME: Final = re.compile(
    "欢迎|歡迎|光临|营业|休息|打烊|停业|转让|招租|出租|招聘|诚聘|扫码|扫一扫|微信|支付宝|公众号|二维码|外卖|外送|订餐|预订|预定|加盟|"
    "热线|电话|地址|时间|监控|推|拉$|小心|禁止|请勿|严禁|消防|出口|入口|停车|优惠|特价|促销|折扣|[折减送]|新品|上市|满\\d|免费|WIFI|"
    "专业|专注|只为|始于|源自|品质|为您|您的|你的|让.+更|不止|一站式|因为|才好|好吃|更健康|放心|美味|新鲜|享受|正宗味道|百年老|全国连锁|连锁$|"
    "收银|收款|结账|洗手间|卫生间|试衣间|服务台|[一-鿿][区區]$|火[灾災警]|发生|發生|紧急|緊急|疏散|逃生|灭火|滅火|注意|当心|危险|警告|步骤|须知|说明|[:：。；;?？！]$|"
    "FIRE|EMERGENCY|CAUTION|WARNING|DANGER|NOTICE|WELCOME|OPEN|CLOSED|PUSH|PULL|ENTRANCE|EXIT|SALE|WWW\\.|HTTP|\\.COM|\\.CN|HOURS|NO SMOKING|SINCE|^EST"
)
"""Words of slogans, offers and notices, which are never the name of the shop."""

_ROAD = "(?:路|街|大道|大街|巷|弄|胡同|道|公路)"
ADDRESS: Final = re.compile(
    r"(?:[一-鿿]{2,7}(?:省|自治区))?\s*(?:[一-鿿]{2,7}(?:市|自治州))?\s*(?:[一-鿿]{1,7}(?:区|區|县|縣|旗|新区))?\s*"
    r"(?:[一-鿿]{1,7}(?:镇|鎮|乡|鄉|街道|村|里|开发区|园区))?\s*[一-鿿0-9]{1,10}?"
    + _ROAD
    + r"(?:[东南西北中][一二三四]?(?:段|路|街)?)?\s*"
    r"(?:[一二三四五六七八九十\d]+\s*[段巷弄]\s*)*(?:(?:与|和)[一-鿿]{2,8}" + _ROAD + r"(?:交叉口|交汇处|口))?"
    r"(?P<number>\s*[0-9]+(?:\s*[-~至、之]\s*[0-9]+)*\s*(?:号|號|弄|栋|幢))?(?P<rest>[一-鿿0-9A-Z\-#() ]{0,30})"
)
ADMINISTRATIVE: Final = re.compile(r"[一-鿿]{2}(?:省|市|区|區|县|縣|镇|鎮|乡|街道|自治)")
ADDRESS_WORD: Final = re.compile(r"(?:店铺|门店|公司)?地\s*址\s*[:.]?\s*|ADD(?:RESS)?\s*[:.]\s*")
ENGLISH_ADDRESS: Final = re.compile(
    r"(?:NO\.?\s*)?\d{1,5}[A-Z]?,?\s+(?:[A-Z][A-Z'.]*\s+){1,4}(?:ROAD|RD|STREET|ST|AVENUE|AVE|LANE|BLVD|BOULEVARD|DRIVE)\b\.?"
)

PHONE_WORD: Final = re.compile(
    r"电\s*话|電\s*話|热\s*线|手\s*机|订\s*[餐购座]|预\s*[订约]|外\s*[卖送]|联\s*系|服务|TEL|PHONE|CALL|MOBILE|HOTLINE|☎|✆|📞"
)
_SEP = r"[-\s.]?"
PHONES: Final = re.compile(
    rf"(?<![\d.,¥$A-Z])(?:\(?\+?\s?86\)?[-\s]?)?1[3-9]\d(?:{_SEP}\d{{4}}{_SEP}\d{{4}}|{_SEP}\d{{3}}{_SEP}\d{{5}})(?![\d.])"
    rf"|(?<![\d.,¥$A-Z])(?:\(?\+?\s?86\)?[-\s]?)?(?:\(0\d{{1,3}}\)\s?-?\s?|0?[1-9]\d{{1,2}}[-\s]\s?|0\d{{1,3}}\s?-\s?|0\d{{2,3}}\s)"
    r"\d{3,4}[-\s]?\d{4}(?:\s?(?:-|转)\s?\d{1,5})?(?![\d.])"
    rf"|(?<![\d.,¥$A-Z])[48]00(?:{_SEP}\d{{3,4}}{_SEP}\d{{3,4}})(?![\d.])"
    r"|(?<![\d.,¥$A-Z])0800[-\s]?\d{3}[-\s]?\d{3}(?![\d.])"
)
"""Chinese mobile, landline (with area code) and 400 numbers in normalised text; others only beside `PHONE_WORD`."""

LOCAL_PHONE: Final = re.compile(r"(?<![\d.])(?:\+?\d[\d\-() ]{5,16}\d)(?![\d.])")
"""Any number beside a word for telephone."""
