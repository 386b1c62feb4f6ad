// The pixel maps themselves; sprites.js says what the letters mean. Tools are 12 pixels wide, tasks 16, the agent 24.

const tools = {
  unknown: "............ ...kkkkkk... ..kkkkkkkk.. ..kk....kk.. ........kk.. .......kkk.. .....kkk.... .....kk..... ............ .....kk..... .....kk..... ............",
  close: "............ .kk......kk. .kkk....kkk. ..kkk..kkk.. ...kkkkkk... ....kkkk.... ....kkkk.... ...kkkkkk... ..kkk..kkk.. .kkk....kkk. .kk......kk. ............",
  ok: "............ ..........gg .........ggg ........ggg. .......ggg.. gg....ggg... ggg..ggg.... .ggggggg.... ..ggggg..... ...ggg...... ....g....... ............",
  warn: ".....yy..... ....yyyy.... ....yyyy.... ...yynnyy... ...yynnyy... ..yyynnyyy.. ..yyynnyyy.. .yyyynnyyyy. .yyyyyyyyyy. yyyyynnyyyyy yyyyyyyyyyyy ............",
  fail: "...rrrrrr... ..rrrrrrrr.. .rrwrrrrwrr. rrwwwrrwwwrr rrrwwwwwwrrr rrrrwwwwrrrr rrrrwwwwrrrr rrrwwwwwwrrr rrwwwrrwwwrr .rrwrrrrwrr. ..rrrrrrrr.. ...rrrrrr...",
  info: "...aaaaaa... ..aaaaaaaa.. .aaaawwaaaa. aaaaawwaaaaa aaaaaaaaaaaa aaaawwwaaaaa aaaaawwaaaaa aaaaawwaaaaa aaaaawwaaaaa .aaawwwwaaa. ..aaaaaaaa.. ...aaaaaa...",
  camera: "............ ....kkkk.... ...kkkkkk... kkkkkkkkkkkk kkkk....kk.k kkk......kkk kk...kk...kk kk..kkkk..kk kk...kk...kk kkk......kkk kkkkk..kkkkk ............",
  shutter: "....kkkk.... ..kkkkkkkk.. .kk......kk. .k..kkkk..k. kk.kkkkkk.kk kk.kkkkkk.kk kk.kkkkkk.kk kk.kkkkkk.kk .k..kkkk..k. .kk......kk. ..kkkkkkkk.. ....kkkk....",
  torch: ".....kkkkk.. ....kkkkk... ....kkkk.... ...kkkk..... ...kkkkkkk.. ..kkkkkkk... .....kkkk... .....kkk.... ....kkk..... ....kk...... ...kk....... ...k........",
  flip: "....kkkkk... ..kkkkkkkk.. .kkk.....kk. .kk.......k. ........kkkk kkkk.....kk. .kk.....kkkk kkkk........ .k.......kk. .kk.....kkk. ..kkkkkkkk.. ...kkkkk....",
  upload: ".....kk..... ....kkkk.... ...kkkkkk... ..kkkkkkkk.. .....kk..... .....kk..... .....kk..... .....kk..... kk........kk kk........kk kkkkkkkkkkkk kkkkkkkkkkkk",
  download: ".....kk..... .....kk..... .....kk..... .....kk..... ..kkkkkkkk.. ...kkkkkk... ....kkkk.... .....kk..... kk........kk kk........kk kkkkkkkkkkkk kkkkkkkkkkkk",
  photo: "kkkkkkkkkkkk k..........k k.yy.......k k.yy....k..k k......kkk.k k..k..kkkkkk k.kkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk ............",
  folder: "............ kkkkk....... kkkkkk...... kkkkkkkkkkkk k..........k kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk ............",
  paste: "....kkkk.... .kkk.kk.kkk. .k.kkkkkk.k. .k........k. .k.kkkkkk.k. .k........k. .k.kkkkkk.k. .k........k. .k.kkkk...k. .k........k. .kkkkkkkkkk. ............",
  copy: "kkkkkkkk.... k......k.... k.kkkk.k.... k....kkkkkkk k.kk.k.....k k....k.kkk.k k.kk.k.....k k....k.kkk.k kkkkkk.....k .....k.kkk.k .....k.....k .....kkkkkkk",
  print: "..kkkkkkkk.. ..k......k.. ..k.kkkk.k.. kkkkkkkkkkkk kkkkkkkkk.kk kkkkkkkkkkkk kkk......kkk kkk.kkkk.kkk ..k......k.. ..k.kkkk.k.. ..k......k.. ..kkkkkkkk..",
  search: "..kkkk...... .kkkkkk..... kk....kk.... kk....kk.... kk....kk.... kk....kk.... .kkkkkk..... ..kkkkkk.... ......kkk... .......kkk.. ........kkk. .........kk.",
  zoom_in: "..kkkkk..... .kk...kk.... kk..k..kk... k...k...k... k.kkkkk.k... k...k...k... kk..k..kk... .kk...kkk... ..kkkkkkkk.. .......kkkk. ........kkk. .........k..",
  zoom_out: "..kkkkk..... .kk...kk.... kk.....kk... k.......k... k.kkkkk.k... k.......k... kk.....kk... .kk...kkk... ..kkkkkkkk.. .......kkkk. ........kkk. .........k..",
  fit: "kkkk....kkkk k..........k k..........k k...kkkk...k ....k..k.... ....k..k.... ....k..k.... ....kkkk.... k..........k k..........k k..........k kkkk....kkkk",
  box: "kkk......kkk k..........k k..rrrrrr..k ...r....r... ...r....r... ...r....r... ...r....r... ...r....r... k..rrrrrr..k k..........k kkk......kkk ............",
  eye: "............ ............ ...kkkkkk... .kk......kk. kk..kkkk..kk k..kk..kk..k kk..kkkk..kk .kk......kk. ...kkkkkk... ............ ............ ............",
  right: "............ ...kk....... ...kkkk..... ...kkkkkk... ...kkkkkkkk. ...kkkkkkkk. ...kkkkkk... ...kkkk..... ...kk....... ............ ............ ............",
  left: "............ .......kk... .....kkkk... ...kkkkkk... .kkkkkkkk... .kkkkkkkk... ...kkkkkk... .....kkkk... .......kk... ............ ............ ............",
  up: "............ ............ .....kk..... ....kkkk.... ....kkkk.... ...kkkkkk... ..kkkkkkkk.. ..kkkkkkkk.. .kkkkkkkkkk. ............ ............ ............",
  down: "............ ............ .kkkkkkkkkk. ..kkkkkkkk.. ..kkkkkkkk.. ...kkkkkk... ....kkkk.... ....kkkk.... .....kk..... ............ ............ ............",
  plus: "............ .....kk..... .....kk..... .....kk..... .....kk..... .kkkkkkkkkk. .kkkkkkkkkk. .....kk..... .....kk..... .....kk..... .....kk..... ............",
  minus: "............ ............ ............ ............ ............ .kkkkkkkkkk. .kkkkkkkkkk. ............ ............ ............ ............ ............",
  play: "..kk........ ..kkkk...... ..kkkkkk.... ..kkkkkkkk.. ..kkkkkkkkkk ..kkkkkkkkkk ..kkkkkkkk.. ..kkkkkk.... ..kkkk...... ..kk........ ............ ............",
  pause: "............ .kkkk..kkkk. .kkkk..kkkk. .kkkk..kkkk. .kkkk..kkkk. .kkkk..kkkk. .kkkk..kkkk. .kkkk..kkkk. .kkkk..kkkk. .kkkk..kkkk. ............ ............",
  stop: "............ .kkkkkkkkkk. .kkkkkkkkkk. .kkkkkkkkkk. .kkkkkkkkkk. .kkkkkkkkkk. .kkkkkkkkkk. .kkkkkkkkkk. .kkkkkkkkkk. .kkkkkkkkkk. ............ ............",
  retry: "....kkkk..kk ..kkkkkkkkkk .kkk...kkkkk .kk....kkkkk kk.......... kk.......... kk........kk kk........kk .kk......kk. .kkk....kkk. ..kkkkkkkk.. ....kkkk....",
  undo: "............ ...kk....... ..kkk....... .kkkkkkkk... kkkkkkkkkkk. .kkkk....kkk ..kkk.....kk ...kk.....kk .........kkk ....kkkkkkk. ....kkkkkk.. ............",
  edit: ".........kk. ........kkkk .......kk.kk ......kk.kk. .....kk.kk.. ....kk.kk... ...kk.kk.... ..kk.kk..... .kk.kk...... .kkkk....... kkkk........ kk..........",
  comment: "kkkkkkkkkkkk k..........k k.kkkkkkkk.k k..........k k.kkkkkk...k k..........k kkkk.kkkkkkk ...k.k...... ...kkk...... ...kk....... ...k........ ............",
  trash: "....kkkk.... kkkkkkkkkkkk kkkkkkkkkkkk ............ .kkkkkkkkkk. .k.kk.kk.kk. .k.kk.kk.kk. .k.kk.kk.kk. .k.kk.kk.kk. .k.kk.kk.kk. .kkkkkkkkkk. .kkkkkkkkkk.",
  clock: "...kkkkkk... ..k......k.. .k...kk...k. k....kk....k k....kk....k k....kk....k k....kkkkk.k k....kkkkk.k k..........k .k........k. ..k......k.. ...kkkkkk...",
  hourglass: ".kkkkkkkkkk. .kkkkkkkkkk. ..k......k.. ..kyyyyyyk.. ...kyyyyk... ....kyyk.... ....k..k.... ...k.yy.k... ..k..yy..k.. ..kyyyyyyk.. .kkkkkkkkkk. .kkkkkkkkkk.",
  store: ".kkkkkkkkkk. .krrwwrrwwk. krrrwwrrwwwk krrrwwrrwwwk kkkkkkkkkkkk .k........k. .k.aaa.kk.k. .k.aaa.kk.k. .k.aaa.kk.k. .k.....kk.k. .kkkkkkkkkk. ............",
  user: "....kkkk.... ...kkkkkk... ...kkkkkk... ...kkkkkk... ....kkkk.... .....kk..... ..kkkkkkkk.. .kkkkkkkkkk. kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk ............",
  filter: "kkkkkkkkkkkk kkkkkkkkkkkk .kkkkkkkkkk. ..kkkkkkkk.. ...kkkkkk... ....kkkk.... ....kkkk.... ....kkkk.... ....kkkk.... .....kkk.... ......kk.... ............",
  link: "......kkkkkk ........kkkk .......kkkkk ......kkk.kk .kkk.kkk..k. kkkkkkk..... kk..kk...... kk...k...k.. kk.......kk. kk.......kk. kkkkkkkkkkk. .kkkkkkkkk..",
  menu: "............ kkkkkkkkkkkk kkkkkkkkkkkk ............ ............ kkkkkkkkkkkk kkkkkkkkkkkk ............ ............ kkkkkkkkkkkk kkkkkkkkkkkk ............",
  sound: ".....kk..... ....kkk..k.. ...kkkk...k. kkkkkkk.k..k kkkkkkk..k.k kkkkkkk..k.k kkkkkkk..k.k kkkkkkk.k..k ...kkkk...k. ....kkk..k.. .....kk..... ............",
  mute: ".....kk..... ....kkk..... ...kkkk.r..r kkkkkkk.rrrr kkkkkkk..rr. kkkkkkk..rr. kkkkkkk.rrrr kkkkkkk.r..r ...kkkk..... ....kkk..... .....kk..... ............",
  offline: "rr.......... rrr..kkkk... .rrrkkkkkkk. ..rrr.....kk .k.rrrkkk..k kk..rrrkkkk. .....rrr..k. ...kk.rrr... ...kkk.rrr.. .....kk.rrr. .....kk..rrr ..........rr",
  day: ".....yy..... .y...yy...y. ..y......y.. ....yyyy.... ...yyyyyy... yy.yyyyyy.yy yy.yyyyyy.yy ...yyyyyy... ....yyyy.... ..y......y.. .y...yy...y. .....yy.....",
  night: "....kkkk.... ..kkkk...... .kkkk....k.. .kkk....kkk. kkkk.....k.. kkkk........ kkkk........ kkkkk......k .kkkk....kk. .kkkkkkkkkk. ..kkkkkkkk.. ....kkkk....",
  contrast: "...kkkkkk... ..k...kkkk.. .k....kkkkk. k.....kkkkkk k.....kkkkkk k.....kkkkkk k.....kkkkkk k.....kkkkkk k.....kkkkkk .k....kkkkk. ..k...kkkk.. ...kkkkkk...",
  nav_scan: "kkkk....kkkk k..........k k..kkkkkk..k k..k....k..k ...k....k... aaaaaaaaaaaa aaaaaaaaaaaa ...k....k... k..k....k..k k..kkkkkk..k k..........k kkkk....kkkk",
  nav_history: "kkkkkkkkkk.. k........k.. k.kkkkkk.k.. k........k.. k.kkk.aaaaa. k....aa...aa k.kk.a..a..a k....a..a..a k.kk.a..aa.a k....aa...aa kkkkkkaaaaa. ............",
  nav_batches: "...kkkkkkkkk ...k.......k .kkkkkkkkk.k .k.......k.k kkkkkkkkk.k. k.......k.kk k.aa..k.k.k. k.aa.kk.kkk. k...kkk.k... k..kkkk.k... kkkkkkkkk... ............",
  nav_hud: "k........... k........aa. k........aa. k....aa..aa. k....aa..aa. k....aa..aa. k.aa.aa..aa. k.aa.aa..aa. k.aa.aa..aa. k........... kkkkkkkkkkkk ............",
  nav_settings: "....kkkk.... .kk.kkkk.kk. .kkkkkkkkkk. ..kkk..kkk.. kkkk....kkkk kkk..aa..kkk kkk..aa..kkk kkkk....kkkk ..kkk..kkk.. .kkkkkkkkkk. .kk.kkkk.kk. ....kkkk....",
  partial: "...kkkkkk... ..k..yyyyk.. .k...yyyyyk. k....yyyyyyk k....yyyyyyk k....yyyyyyk k....yyyyyyk k....yyyyyyk k....yyyyyyk .k...yyyyyk. ..k..yyyyk.. ...kkkkkk...",
  full: "...kkkkkk... ..kggggggk.. .kggggggggk. kgggggggwggk kggggggwwggk kgwgggwwgggk kgwwgwwggggk kggwwwgggggk kgggwggggggk .kggggggggk. ..kggggggk.. ...kkkkkk...",
  unsupported: "...kkkkkk... ..k......k.. .k......kkk. k......kkk.k k.....kkk..k k....kkk...k k...kkk....k k..kkk.....k k.kkk......k .kkk......k. ..k......k.. ...kkkkkk...",
  retake: "............ ....kkkk.... ...kkkkkk... kkkkkkkkkkkk kkkk....kk.k kkk..yyyyyyy kk..kyyyyyy. kk..k.yyyyy. kk...k.yyy.. kkk.....y... kkkkk..kkkkk ............",
  critical: "...rrrrrr... ..rrrrrrrr.. .rrrrwwrrrr. rrrrrwwrrrrr rrrrrwwrrrrr rrrrrwwrrrrr rrrrrwwrrrrr rrrrrrrrrrrr rrrrrwwrrrrr .rrrrwwrrrr. ..rrrrrrrr.. ...rrrrrr...",
  minor: "............ .....kk..... ....kyyk.... ...kyyyyk... ..kyyyyyyk.. .kyyyyyyyyk. ..kyyyyyyk.. ...kyyyyk... ....kyyk.... .....kk..... ............ ............",
  barcode: "............ k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk ............ kk.kk.kk.kk. ............",
  rule: "............ kk.kkkkkkkkk kk.kkkkkkkkk ............ kk.kkkkkkk.. kk.kkkkkkk.. ............ kk.kkkkkkkkk kk.kkkkkkkkk ............ kk.kkkkk.... kk.kkkkk....",
  model: "..k..kk..k.. .kkkkkkkkkk. kk........kk .k.aaaaaa.k. .k.a.aa.a.k. kk.aaaaaa.kk kk.aaaaaa.kk .k.a....a.k. .k.aaaaaa.k. kk........kk .kkkkkkkkkk. ..k..kk..k..",
  letters: "............ ....kk...... ....kkk..... ...kk.k..... ...kk.kk.... ..kk...k.... ..kkkkkkk... .kk....kk... .kk.....kk.. kkkk...kkkk. ............ ............",
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

// What the frames change: row → [column, letters].
const FRAMES = {
  agent_idle: {},
  agent_blink: { 11: [6, "nnnnnnnnnnnn"], 12: [6, "nsssnnnnsssn"] },
  agent_scan_1: { 11: [3, "rrrrrrrrrrrrrrrrrr"], 12: [6, "nlllnnnnllln"] },
  agent_scan_2: { 11: [6, "nlllnnnnllln"], 12: [3, "rrrrrrrrrrrrrrrrrr"] },
  agent_found: { 0: [20, ".y.."], 1: [19, "yyy"], 2: [20, "y"], 11: [6, "nlnlnnnnlnln"], 12: [6, "nlllnnnnllln"], 14: [6, "nssnssssnssn"], 15: [6, "nsssnnnnsssn"] },
  agent_found_2: { 2: [20, ".y.."], 3: [19, ".yyy"], 4: [21, "y"], 1: [2, "y"], 0: [2, "."], 11: [6, "nlnlnnnnlnln"], 12: [6, "nlllnnnnllln"], 14: [6, "nssnssssnssn"], 15: [6, "nsssnnnnsssn"] },
  agent_retake: { 9: [20, "yy"], 10: [20, "yy"], 11: [20, "yy"], 12: [20, "yy"], 14: [20, "yy"], 15: [6, "nsssnnnnsssn"] },
  agent_retake_2: { 11: [6, "nllnnnnnlnnn"], 12: [6, "nlllnnnnllln"], 15: [6, "nsssnnnnsssn"] },
  agent_busy: { 8: [20, "a"], 9: [19, "aaa"], 10: [19, "aaa"], 11: [6, "nnllnnnnllnn"], 12: [6, "nlnlnnnnlnln"], 15: [6, "nsnsnsnsnssn"] },
  agent_busy_2: { 10: [20, "a"], 11: [19, "aaa"], 12: [19, "aaa"], 15: [6, "nssnsnsnsnsn"] },
  agent_offline: { 11: [6, "nnlnnnnnnlnn"], 12: [6, "nlnlnnnnlnln"], 1: [9, "nnnnnn"], 5: [7, "ndddddddd"], 6: [8, "dddddddd"], 15: [6, "nsssnnnnsssn"], 18: [11, "dd"], 19: [11, "dd"], 20: [11, "dd"], 21: [11, "dd"], 22: [11, "dd"] },
};

/** Names that mean the same picture: states, severities, sources. */
const SAME = {
  cancel: "close",
  queued: "clock",
  running: "nav_scan",
  completed: "ok",
  retake_required: "retake",
  failed: "fail",
  cancelled: "stop",
  expired: "hourglass",
  major: "warn",
  text: "letters",
  human: "user",
  advised: "eye",
  confirmed: "ok",
  corrected: "edit",
  lang: "letters",
  settings: "nav_settings",
  history: "nav_history",
  batches: "nav_batches",
  hud: "nav_hud",
  scan: "nav_scan",
};

const rows = (map) => map.split(" ");

function frame(changes) {
  return rows(AGENT).map((row, y) => {
    const [x, letters] = changes[y] ?? [0, ""];
    return row.slice(0, x) + letters + row.slice(x + letters.length);
  });
}

/** Name → rows. */
export const MAPS = {
  ...Object.fromEntries(Object.entries({ ...tools, ...tasks }).map(([name, map]) => [name, rows(map)])),
  ...Object.fromEntries(Object.entries(FRAMES).map(([name, changes]) => [name, frame(changes)])),
};
for (const [name, other] of Object.entries(SAME)) MAPS[name] = MAPS[other];
