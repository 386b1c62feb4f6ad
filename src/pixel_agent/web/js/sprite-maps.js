// The pixel maps of the first paint; sprites.js says what the letters mean. Tools are 12 pixels wide, tasks 16, the agent 24.

const tools = {
  unknown: "............ ...kkkkkk... ..kkkkkkkk.. ..kk....kk.. ........kk.. .......kkk.. .....kkk.... .....kk..... ............ .....kk..... .....kk..... ............",
  camera: "............ ....kkkk.... ...kkkkkk... kkkkkkkkkkkk kkkk....kk.k kkk......kkk kk...kk...kk kk..kkkk..kk kk...kk...kk kkk......kkk kkkkk..kkkkk ............",
  photo: "kkkkkkkkkkkk k..........k k.yy.......k k.yy....k..k k......kkk.k k..k..kkkkkk k.kkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk ............",
  paste: "....kkkk.... .kkk.kk.kkk. .k.kkkkkk.k. .k........k. .k.kkkkkk.k. .k........k. .k.kkkkkk.k. .k........k. .k.kkkk...k. .k........k. .kkkkkkkkkk. ............",
  search: "..kkkk...... .kkkkkk..... kk....kk.... kk....kk.... kk....kk.... kk....kk.... .kkkkkk..... ..kkkkkk.... ......kkk... .......kkk.. ........kkk. .........kk.",
  right: "............ ...kk....... ...kkkk..... ...kkkkkk... ...kkkkkkkk. ...kkkkkkkk. ...kkkkkk... ...kkkk..... ...kk....... ............ ............ ............",
  down: "............ ............ .kkkkkkkkkk. ..kkkkkkkk.. ..kkkkkkkk.. ...kkkkkk... ....kkkk.... ....kkkk.... .....kk..... ............ ............ ............",
  up: "............ ............ .....kk..... ....kkkk.... ....kkkk.... ...kkkkkk... ..kkkkkkkk.. ..kkkkkkkk.. .kkkkkkkkkk. ............ ............ ............",
  day: ".....yy..... .y...yy...y. ..y......y.. ....yyyy.... ...yyyyyy... yy.yyyyyy.yy yy.yyyyyy.yy ...yyyyyy... ....yyyy.... ..y......y.. .y...yy...y. .....yy.....",
  night: "....kkkk.... ..kkkk...... .kkkk....k.. .kkk....kkk. kkkk.....k.. kkkk........ kkkk........ kkkkk......k .kkkk....kk. .kkkkkkkkkk. ..kkkkkkkk.. ....kkkk....",
  contrast: "...kkkkkk... ..k...kkkk.. .k....kkkkk. k.....kkkkkk k.....kkkkkk k.....kkkkkk k.....kkkkkk k.....kkkkkk k.....kkkkkk .k....kkkkk. ..k...kkkk.. ...kkkkkk...",
  nav_scan: "kkkk....kkkk k..........k k..kkkkkk..k k..k....k..k ...k....k... aaaaaaaaaaaa aaaaaaaaaaaa ...k....k... k..k....k..k k..kkkkkk..k k..........k kkkk....kkkk",
  nav_history: "kkkkkkkkkk.. k........k.. k.kkkkkk.k.. k........k.. k.kkk.aaaaa. k....aa...aa k.kk.a..a..a k....a..a..a k.kk.a..aa.a k....aa...aa kkkkkkaaaaa. ............",
  nav_batches: "...kkkkkkkkk ...k.......k .kkkkkkkkk.k .k.......k.k kkkkkkkkk.k. k.......k.kk k.aa..k.k.k. k.aa.kk.kkk. k...kkk.k... k..kkkk.k... kkkkkkkkk... ............",
  nav_hud: "k........... k........aa. k........aa. k....aa..aa. k....aa..aa. k....aa..aa. k.aa.aa..aa. k.aa.aa..aa. k.aa.aa..aa. k........... kkkkkkkkkkkk ............",
  nav_settings: "....kkkk.... .kk.kkkk.kk. .kkkkkkkkkk. ..kkk..kkk.. kkkk....kkkk kkk..aa..kkk kkk..aa..kkk kkkk....kkkk ..kkk..kkk.. .kkkkkkkkkk. .kk.kkkk.kk. ....kkkk....",
  full: "...kkkkkk... ..kggggggk.. .kggggggggk. kgggggggwggk kggggggwwggk kgwgggwwgggk kgwwgwwggggk kggwwwgggggk kgggwggggggk .kggggggggk. ..kggggggk.. ...kkkkkk...",
  partial: "...kkkkkk... ..k..yyyyk.. .k...yyyyyk. k....yyyyyyk k....yyyyyyk k....yyyyyyk k....yyyyyyk k....yyyyyyk k....yyyyyyk .k...yyyyyk. ..k..yyyyk.. ...kkkkkk...",
  unsupported: "...kkkkkk... ..k......k.. .k......kkk. k......kkk.k k.....kkk..k k....kkk...k k...kkk....k k..kkk.....k k.kkk......k .kkk......k. ..k......k.. ...kkkkkk...",
};

const tasks = {
  task: ".......kk....... .......kk....... ......kyyk...... ......kyyk...... .....kyyyyk..... kkkkkkyyyykkkkkk kyyyyyyyyyyyyyyk .kyyyyyyyyyyyyk. ..kkyyyyyyyykk.. ...kyyyyyyyyk... ...kyyyyyyyyk... ..kyyyyyyyyyyk.. ..kyyyykkyyyyk.. .kyyykk..kkyyyk. .kykk......kkyk. .kk..........kk.",
  product_full_scan: "kkkk........kkkk k..............k k....kk........k k....kk........k ....kaak.kkkkkk. ...kaaaakkyyyyk. ...kaaaakkyyyyk. ...kwwwwkkkkkkk. ...kwkkwkkyyyyk. ...kwwwwkkyrryk. ...kaaaakkyrryk. ...kaaaakkyyyyk. k..kkkkkkkkkkkkk k..............k k..............k kkkk........kkkk",
  shelf_audit: "kkkkkkkkkkkkkkkk k..............k k.aa.rr.gg.aa..k k.aa.rr.gg.aa..k k.aa.rr.gg.aa..k kkkkkkkkkkkkkkkk k..............k k.yy.aa.rr.yy..k k.yy.aa.rr.yy..k k.yy.aa.rr.yy..k kkkkkkkkkkkkkkkk k..............k k.gg.yy.aa.gg..k k.gg.yy.aa.gg..k kkkkkkkkkkkkkkkk kk............kk",
  out_of_stock: "kkkkkkkkkkkkkkkk ................ .aaa.rr.rr..aaa. .aaa.r...r..aaa. .aaa........aaa. .aaa.r...r..aaa. .aaa.rr.rr..aaa. .aaa........aaa. kkkkkkkkkkkkkkkk ................ .kkkkkkkkkkkkkk. .kwwwwwrrwwwwwk. .kwwwwrwwrwwwwk. .kwwwwrwwrwwwwk. .kwwwwwrrwwwwwk. .kkkkkkkkkkkkkk.",
  price_tag: "................ ......kkkkkkkkkk .....kwwwwwwwwwk ....kwwwwawwwawk ...kwwwwwwawawwk ..kwwwwwwwwawwwk .kwwkkwwwaaaaawk kwwk..kwwwwawwwk kwwk..kwwaaaaawk .kwwkkwwwwwawwwk ..kwwwwwwwwawwwk ...kwwwwwwwawwwk ....kwwwwwwwwwwk .....kwwwwwwwwwk ......kkkkkkkkkk ................",
  expiry_check: "...kk......kk... ...kk......kk... .kkkkkkkkkkkkkk. .krrrrrrrrrrrrk. .krrrrrrrrrrrrk. .kkkkkkkkkkkkkk. .kwwwwwwwwwwwwk. .kwddwddwddwwwk. .kwddwddwddwwwk. .kwwwwwwwwwwwwk. .kwddwddwrrrrwk. .kwddwddwrwwrwk. .kwwwwwwwrwwrwk. .kwwwwwwwrrrrwk. .kkkkkkkkkkkkkk. ................",
  planogram_check: "kkkkkkkkkkkkkkkk kaaaakwwwwkyyyyk kaaaakwwwwkyyyyk kaaaakwwwwkyyyyk kaaaakwwwwkyyyyk kkkkkkkkkkkkkkkk kwwwwkggggkrwwrk kwwwwkggggkwrrwk kwwwwkggggkwrrwk kwwwwkggggkrwwrk kkkkkkkkkkkkkkkk kyyyykwwwwkaaaak kyyyykwwwwkaaaak kyyyykwwwwkaaaak kyyyykwwwwkaaaak kkkkkkkkkkkkkkkk",
  neatness_check: "................ ..kk.........kk. ..kk........kkkk .kaak......kkkk. .kaak.....kakk.. kaaaak...kaaak.. kaaaak..kaaaaak. kwwwwk.kwwaaaak. kwwwwkkaawwwaak. kwwwwkkaaaawwk.. kaaaakkaaaaak... kaaaak.kaaak.... kaaaak..kkk..... kkkkkk.......... kkkkkkkkkkkkkkkk ................",
  promo_check: "kkkkkkkkkkkkkkkk krrrrrrrrrrrrrrk krrwwrrrrrrwwrrk krwrrwrrrrwwrrrk krwrrwrrrwwrrrrk krrwwrrrwwrrrrrk krrrrrrwwrrrrrrk krrrrrwwrrwwrrrk krrrrwwrrwrrwrrk krrrwwrrrwrrwrrk krrwwrrrrrwwrrrk krrrrrrrrrrrrrrk kkkkkkkkkkkkkkkk .......kk....... .......kk....... .....kkkkkk.....",
  storefront_check: "................ .kkkkkkkkkkkkkk. .krrwwrrwwrrwwk. .krrwwrrwwrrwwk. krrrwwrrwwrrwwwk krrrwwrrwwrrwwwk kkkkkkkkkkkkkkkk .kwwwwwwwwwwwwk. .kwaaaaawkkkkwk. .kwaaaaawkyykwk. .kwaaaaawkyykwk. .kwaaaaawkykkwk. .kwwwwwwwkyykwk. .kwwwwwwwkyykwk. kkkkkkkkkkkkkkkk ................",
  environment_check: ".......kk....... .......kk....... .....kkkkkk..... ....kyyyyyyk.... ...kyyyyyyyyk... ...kkkkkkkkkk... .......yy....... .a....y..y....a. aaa..y....y..aaa .a............a. ................ kkkkkkkkkkkkkkkk kddddddddddddddk kkkkkkkkkkkkkkkk ..kk........kk.. ..kk........kk..",
  safety_check: "....kkkkk....... ..kkk...kk...... .kkkkkk..k...... kk.kkkk.....y... k..krrk.....yy.. k.krrrrk...yyy.. k.krrrrk...yyyy. ..krrrrk.y.yryy. ..kwwwwk.yyyrryy ..kwrrwk.yyrrryy ..kwwwwk.yyrrryy ..krrrrk..yyrry. ..krrrrk...yyy.. ..krrrrk........ ..kkkkkk........ ................",
  kitchen_hygiene: "................ ....kkk..kkk.... ...kwwwkkwwwk... ..kwwwwwwwwwwk.. .kwwwwwwwwwwwwk. .kwwwwwwwwwwwwk. .kwwwwwwwwwwwwk. ..kkwwwwwwwwkk.. ...kwwdwwdwwk... ...kwwdwwdwwk... ...kwwdwwdwwk... ...kkkkkkkkkk... ...kaaaaaaaak... ...kaaaaaaaak... ...kkkkkkkkkk... ................",
  waste_estimate: "......kkkk...... ......k..k...... .kkkkkkkkkkkkkk. .kddddddddddddk. .kkkkkkkkkkkkkk. ..kggggggggggk.. ..kgkggkkggkgk.. ..kgkggkkggkgk.. ..kgkggkkggkgk.. ..kgkggkkggkgk.. ..kgkggkkggkgk.. ..kgkggkkggkgk.. ..kgkggkkggkgk.. ..kggggggggggk.. ..kkkkkkkkkkkk.. ................",
  text_read: "..kkkkkkkkkk.... ..kwwwwwwwwkk... ..kwwwwwwwwkwk.. ..kwkkkkkwwkkkk. ..kwwwwwwwwwwwk. ..kwkkkkkkkkkwk. ..kwwwwwwwwwwwk. ..kwkkkkkkkkwwk. ..kwwwwwwwwwwwk. ..kaaaaaaaaaaak. ..kwwwwwwwwwwwk. ..kwkkkkkkkwwwk. ..kwwwwwwwwwwwk. ..kwkkkkkkkkkwk. ..kwwwwwwwwwwwk. ..kkkkkkkkkkkkk.",
  code_read: "kkk..........kkk k..............k k.k.kk.k.kk.k.kk ..k.kk.k.kk.k.k. ..k.kk.k.kk.k.k. ..k.kk.k.kk.k.k. ..k.kk.k.kk.k.k. rrrrrrrrrrrrrrrr rrrrrrrrrrrrrrrr ..k.kk.k.kk.k.k. ..k.kk.k.kk.k.k. ..k.kk.k.kk.k.k. ..k.kk.k.kk.k.k. k.k.kk.k.kk.k.kk k..............k kkk..........kkk",
  compare: "kkkkkkk..kkkkkkk kwwwwwk..kwwwwwk kwrwrwk..kwwwwgk kwwrwwk..kwwwggk kwrwrwk..kgwggwk kwwwwwk..kwggwwk kwwwwwk..kwwwwwk kkkkkkk..kkkkkkk ................ .........k...... .........kk..... ..aaaaaaakkk.... ..aaaaaaakkkk... .........kkk.... .........kk..... .........k......",
  photo_check: "kkkkkkkkkkkkkkkk kaaaaaaaaaaaaaak kayyaaaaaaaaaaak kayyaaaaaaaaaaak kaaaaaaaaaaaaaak kaaaakaaaaaaaaak kaaakkkaaaakaaak kaakkkkkaakkkaak kakkkkkkkkkkkkgg kkkkkkkkkkkkkggg kkkkkkkkkkkkggg. kkkkkkkggkkggg.. kkkkkkkggggggk.. kkkkkkkkggggkk.. kkkkkkkkkggkkk.. ................",
  ask: ".kkkkkkkkkkkkkk. kwwwwwwwwwwwwwwk kwwwwwaaaawwwwwk kwwwwaawwaawwwwk kwwwwwwwwaawwwwk kwwwwwwwaawwwwwk kwwwwwwaawwwwwwk kwwwwwwwwwwwwwwk kwwwwwwaawwwwwwk kwwwwwwaawwwwwwk kwwwwwwwwwwwwwwk .kkkkwwwkkkkkkk. ....kwwk........ ....kwk......... ....kk.......... ................",
};

const AGENT =
  "........................ .........nnnnnn......... ........nddddddn........ .......nddddddddn....... .......nddddddddn....... .......naaaaaaaan....... ...nnnnnaaaaaaaannnnn... ..nddddddddddddddddddn.. ...nnnnnnnnnnnnnnnnnn... ......nssssssssssn...... ......nnnnnssnnnnn...... ......nlllnnnnllln...... ......nlnlnnnnlnln...... ......nnnnnssnnnnn...... ......nssssssssssn...... ......nssssnnssssn...... .......nssssssssn....... .....nnnnnnnnnnnnnn..... ....nddnllnaanllnddn.... ...ndddnllnaanllndddn... ...nddddnlnaanlnddddn... ..ndddddnnnaannndddddn.. ..nddddddnnaannddddddn.. ..nddddddddnnddddddddn..";

// The changes of each frame: row → [column, letters].
const frames = {
  agent_idle: {},
  agent_blink: { 11: [6, "nnnnnnnnnnnn"], 12: [6, "nsssnnnnsssn"] },
  agent_scan_1: { 11: [3, "rrrrrrrrrrrrrrrrrr"], 12: [6, "nlllnnnnllln"] },
  agent_scan_2: { 11: [6, "nlllnnnnllln"], 12: [3, "rrrrrrrrrrrrrrrrrr"] },
};

/** The agent with some rows changed. */
export function frame(changes) {
  return AGENT.split(" ").map((row, y) => {
    const [x, letters] = changes[y] ?? [0, ""];
    return row.slice(0, x) + letters + row.slice(x + letters.length);
  });
}

const each = (maps, make) => Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, make(map)]));

/** Name → rows. */
export const MAPS = { ...each(tools, (map) => map.split(" ")), ...each(tasks, (map) => map.split(" ")), ...each(frames, frame) };
