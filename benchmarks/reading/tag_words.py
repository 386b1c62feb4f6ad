"""Words of the drawn price tags: goods, brands, places and phrases as Chinese shops print them."""

from __future__ import annotations

import random
from dataclasses import dataclass

PACKED: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str, tuple[str, ...]], ...] = (
    # brand, names, specs, unit of sale, origins
    (
        "农夫山泉",
        ("饮用天然水", "东方树叶乌龙茶", "茶π柚子绿茶", "NFC橙汁"),
        ("550ml", "500ml", "1.5L"),
        "瓶",
        ("浙江杭州", "湖北丹江口"),
    ),
    (
        "康师傅",
        ("红烧牛肉面", "冰红茶", "香辣牛肉面桶装", "妙芙蛋糕"),
        ("108g", "500ml", "120g*5"),
        "包",
        ("天津", "广东广州"),
    ),
    (
        "伊利",
        ("纯牛奶", "安慕希希腊酸奶", "金典有机奶", "优酸乳原味"),
        ("250ml*12", "205g×10", "1L"),
        "箱",
        ("内蒙古呼和浩特", "河北"),
    ),
    ("蒙牛", ("特仑苏纯牛奶", "真果粒草莓味", "冠益乳原味"), ("250ml×16", "250g", "450g"), "提", ("内蒙古", "北京")),
    ("海天", ("金标生抽", "上等蚝油", "老抽王", "黄豆酱"), ("500ml", "700g", "1.9L", "230g"), "瓶", ("广东佛山",)),
    ("金龙鱼", ("黄金比例调和油", "东北大米", "玉米油"), ("5L", "10kg", "4L"), "桶", ("上海", "黑龙江五常")),
    ("洽洽", ("香瓜子", "每日坚果", "焦糖瓜子"), ("260g", "500g", "26g*7"), "袋", ("安徽合肥",)),
    ("乐事", ("黄瓜味薯片", "原味薯片", "无限罐装薯片"), ("75g", "135g", "104g"), "袋", ("上海", "湖北武汉")),
    ("三只松鼠", ("碧根果", "夏威夷果", "芒果干"), ("120g", "160g", "106g"), "袋", ("安徽芜湖",)),
    ("德芙", ("丝滑牛奶巧克力", "榛仁巧克力"), ("43g", "252g"), "盒", ("北京",)),
    ("维达", ("超韧抽纸", "卷筒卫生纸", "湿厕纸"), ("130抽*3包", "140g*10卷", "40片"), "提", ("广东江门",)),
    ("蓝月亮", ("深层洁净洗衣液", "芦荟洗手液"), ("3kg", "500g", "2kg"), "瓶", ("广东广州",)),
    ("老干妈", ("风味豆豉", "香辣脆油辣椒"), ("280g", "210g"), "瓶", ("贵州贵阳",)),
    ("青岛", ("经典啤酒", "纯生啤酒"), ("330ml*6", "500ml", "500ml×12"), "听", ("山东青岛",)),
    ("双汇", ("王中王火腿肠", "玉米热狗肠"), ("400g", "32g×9"), "袋", ("河南漯河",)),
    ("思念", ("猪肉白菜水饺", "黑芝麻汤圆"), ("500g", "455g"), "袋", ("河南郑州",)),
    ("奥利奥", ("原味夹心饼干", "巧克力棒"), ("97g", "349g"), "盒", ("江苏苏州",)),
    ("云南白药", ("留兰香型牙膏", "薄荷清爽牙膏"), ("180g", "120g"), "支", ("云南昆明",)),
    ("王老吉", ("凉茶植物饮料",), ("310ml", "310ml*12"), "罐", ("广东广州",)),
    ("统一", ("老坛酸菜牛肉面", "阿萨姆奶茶"), ("119g", "500ml"), "桶", ("江苏昆山",)),
)

FRESH: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("红富士苹果", ("山东烟台", "陕西洛川")),
    ("赣南脐橙", ("江西赣州",)),
    ("巨峰葡萄", ("辽宁", "山东")),
    ("海南香蕉", ("海南",)),
    ("本地小青菜", ("江苏", "上海")),
    ("西红柿", ("山东寿光", "河北")),
    ("土豆", ("甘肃定西", "内蒙古")),
    ("云南鲜花椒", ("云南",)),
    ("五花肉", ("四川", "河南")),
    ("猪前腿肉", ("湖南",)),
    ("鲜活基围虾", ("广东湛江",)),
    ("草鱼", ("湖北",)),
    ("胡萝卜", ("福建",)),
    ("砂糖橘", ("广西桂林",)),
    ("冬枣", ("陕西大荔",)),
    ("阳光玫瑰葡萄", ("云南", "江苏")),
    ("土鸡蛋", ("安徽",)),
    ("黄心猕猴桃", ("四川蒲江",)),
    ("大白菜", ("河北唐山",)),
    ("牛腱子肉", ("内蒙古",)),
    ("山药", ("河南焦作",)),
    ("糯玉米", ("黑龙江",)),
    ("菠萝蜜", ("海南",)),
)

IMPORTED: tuple[tuple[str, str, str, str, str, str], ...] = (
    # name, English name, origin, English origin, spec, unit
    ("安佳全脂纯牛奶", "Anchor Whole Milk", "新西兰", "New Zealand", "1L", "盒"),
    ("百味来意大利面", "Barilla Spaghetti", "意大利", "Italy", "500g", "盒"),
    ("佳沛绿奇异果", "Zespri Green Kiwifruit", "新西兰", "New Zealand", "6个", "盒"),
    ("费列罗榛果巧克力", "Ferrero Rocher", "意大利", "Italy", "200g", "盒"),
    ("奔富干红葡萄酒", "Penfolds Bin 8", "澳大利亚", "Australia", "750ml", "瓶"),
    ("挪威三文鱼切片", "Norway Salmon", "挪威", "Norway", "200g", "盒"),
    ("依云天然矿泉水", "Evian Mineral Water", "法国", "France", "500ml", "瓶"),
    ("森永牛奶糖", "Morinaga Caramel", "日本", "Japan", "149g", "袋"),
    ("智利车厘子", "Chile Cherries JJ", "智利", "Chile", "1kg", "盒"),
    ("总统淡味黄油", "President Butter", "法国", "France", "200g", "块"),
    ("泰国金枕榴莲", "Monthong Durian", "泰国", "Thailand", "3kg", "个"),
    ("麦斯威尔速溶咖啡", "Maxwell House Coffee", "越南", "Vietnam", "13g*30", "盒"),
)

SHOPS = ("惠民生活超市", "永福超市", "鲜果时光", "家乐福邻里店", "百佳万家", "社区优选", "MARKET PLUS", "好又近便利")
GRADES = ("一级", "合格品", "优等", "特级", "一等品", "合格")
SLOGANS = ("满100减20", "2件8折", "第二件半价", "买一送一", "限购3件", "满59包邮", "会员积分翻倍", "每满50元立减5元")
HEADERS = ("商品标价签", "标价签", "商品价签", "明码标价", "价格标签")
HOTLINES = ("价格举报电话：12315", "物价监督电话:12358", "服务热线 400-820-1234", "监督电话12315")


@dataclass(frozen=True, slots=True)
class Goods:
    """One article with the values that its tag prints."""

    name: str
    spec: str
    unit: str
    origin: str
    english: str = ""
    english_origin: str = ""


def packed(rng: random.Random) -> Goods:
    """Packed goods: a brand before the name, with or without a space."""
    brand, names, specs, unit, origins = rng.choice(PACKED)
    return Goods(brand + rng.choice(("", "", " ")) + rng.choice(names), rng.choice(specs), unit, rng.choice(origins))


def fresh(rng: random.Random) -> Goods:
    """Loose goods, sold by weight."""
    name, origins = rng.choice(FRESH)
    return Goods(name, "", rng.choice(("斤", "500g", "kg", "500克", "公斤", "斤", "500g")), rng.choice(origins))


def imported(rng: random.Random) -> Goods:
    """Imported goods with two names."""
    name, english, origin, english_origin, spec, unit = rng.choice(IMPORTED)
    return Goods(name, spec, unit, origin, english, english_origin)


def gtin13(rng: random.Random) -> str:
    """A made-up EAN-13 of the Chinese range with a valid check digit."""
    body = rng.choice(("690", "692", "693", "694", "695", "697")) + "".join(rng.choice("0123456789") for _ in range(9))
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(body))
    return body + str(-total % 10)
