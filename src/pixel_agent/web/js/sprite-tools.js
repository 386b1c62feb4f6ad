// The pixel maps that the first paint does not need; sprites.js loads them on first use.

import { MAPS, frame } from "./sprite-maps.js";

const tools = {
  close: "............ .kk......kk. .kkk....kkk. ..kkk..kkk.. ...kkkkkk... ....kkkk.... ....kkkk.... ...kkkkkk... ..kkk..kkk.. .kkk....kkk. .kk......kk. ............",
  ok: "............ ..........gg .........ggg ........ggg. .......ggg.. gg....ggg... ggg..ggg.... .ggggggg.... ..ggggg..... ...ggg...... ....g....... ............",
  warn: ".....yy..... ....yyyy.... ....yyyy.... ...yynnyy... ...yynnyy... ..yyynnyyy.. ..yyynnyyy.. .yyyynnyyyy. .yyyyyyyyyy. yyyyynnyyyyy yyyyyyyyyyyy ............",
  fail: "...rrrrrr... ..rrrrrrrr.. .rrwrrrrwrr. rrwwwrrwwwrr rrrwwwwwwrrr rrrrwwwwrrrr rrrrwwwwrrrr rrrwwwwwwrrr rrwwwrrwwwrr .rrwrrrrwrr. ..rrrrrrrr.. ...rrrrrr...",
  info: "...aaaaaa... ..aaaaaaaa.. .aaaawwaaaa. aaaaawwaaaaa aaaaaaaaaaaa aaaawwwaaaaa aaaaawwaaaaa aaaaawwaaaaa aaaaawwaaaaa .aaawwwwaaa. ..aaaaaaaa.. ...aaaaaa...",
  shutter: "....kkkk.... ..kkkkkkkk.. .kk......kk. .k..kkkk..k. kk.kkkkkk.kk kk.kkkkkk.kk kk.kkkkkk.kk kk.kkkkkk.kk .k..kkkk..k. .kk......kk. ..kkkkkkkk.. ....kkkk....",
  torch: ".....kkkkk.. ....kkkkk... ....kkkk.... ...kkkk..... ...kkkkkkk.. ..kkkkkkk... .....kkkk... .....kkk.... ....kkk..... ....kk...... ...kk....... ...k........",
  flip: "....kkkkk... ..kkkkkkkk.. .kkk.....kk. .kk.......k. ........kkkk kkkk.....kk. .kk.....kkkk kkkk........ .k.......kk. .kk.....kkk. ..kkkkkkkk.. ...kkkkk....",
  upload: ".....kk..... ....kkkk.... ...kkkkkk... ..kkkkkkkk.. .....kk..... .....kk..... .....kk..... .....kk..... kk........kk kk........kk kkkkkkkkkkkk kkkkkkkkkkkk",
  download: ".....kk..... .....kk..... .....kk..... .....kk..... ..kkkkkkkk.. ...kkkkkk... ....kkkk.... .....kk..... kk........kk kk........kk kkkkkkkkkkkk kkkkkkkkkkkk",
  folder: "............ kkkkk....... kkkkkk...... kkkkkkkkkkkk k..........k kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk kkkkkkkkkkkk ............",
  copy: "kkkkkkkk.... k......k.... k.kkkk.k.... k....kkkkkkk k.kk.k.....k k....k.kkk.k k.kk.k.....k k....k.kkk.k kkkkkk.....k .....k.kkk.k .....k.....k .....kkkkkkk",
  print: "..kkkkkkkk.. ..k......k.. ..k.kkkk.k.. kkkkkkkkkkkk kkkkkkkkk.kk kkkkkkkkkkkk kkk......kkk kkk.kkkk.kkk ..k......k.. ..k.kkkk.k.. ..k......k.. ..kkkkkkkk..",
  zoom_in: "..kkkkk..... .kk...kk.... kk..k..kk... k...k...k... k.kkkkk.k... k...k...k... kk..k..kk... .kk...kkk... ..kkkkkkkk.. .......kkkk. ........kkk. .........k..",
  zoom_out: "..kkkkk..... .kk...kk.... kk.....kk... k.......k... k.kkkkk.k... k.......k... kk.....kk... .kk...kkk... ..kkkkkkkk.. .......kkkk. ........kkk. .........k..",
  fit: "kkkk....kkkk k..........k k..........k k...kkkk...k ....k..k.... ....k..k.... ....k..k.... ....kkkk.... k..........k k..........k k..........k kkkk....kkkk",
  box: "kkk......kkk k..........k k..rrrrrr..k ...r....r... ...r....r... ...r....r... ...r....r... ...r....r... k..rrrrrr..k k..........k kkk......kkk ............",
  eye: "............ ............ ...kkkkkk... .kk......kk. kk..kkkk..kk k..kk..kk..k kk..kkkk..kk .kk......kk. ...kkkkkk... ............ ............ ............",
  left: "............ .......kk... .....kkkk... ...kkkkkk... .kkkkkkkk... .kkkkkkkk... ...kkkkkk... .....kkkk... .......kk... ............ ............ ............",
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
  retake: "............ ....kkkk.... ...kkkkkk... kkkkkkkkkkkk kkkk....kk.k kkk..yyyyyyy kk..kyyyyyy. kk..k.yyyyy. kk...k.yyy.. kkk.....y... kkkkk..kkkkk ............",
  critical: "...rrrrrr... ..rrrrrrrr.. .rrrrwwrrrr. rrrrrwwrrrrr rrrrrwwrrrrr rrrrrwwrrrrr rrrrrwwrrrrr rrrrrrrrrrrr rrrrrwwrrrrr .rrrrwwrrrr. ..rrrrrrrr.. ...rrrrrr...",
  minor: "............ .....kk..... ....kyyk.... ...kyyyyk... ..kyyyyyyk.. .kyyyyyyyyk. ..kyyyyyyk.. ...kyyyyk... ....kyyk.... .....kk..... ............ ............",
  barcode: "............ k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk k.kk.k.kk.kk ............ kk.kk.kk.kk. ............",
  rule: "............ kk.kkkkkkkkk kk.kkkkkkkkk ............ kk.kkkkkkk.. kk.kkkkkkk.. ............ kk.kkkkkkkkk kk.kkkkkkkkk ............ kk.kkkkk.... kk.kkkkk....",
  model: "..k..kk..k.. .kkkkkkkkkk. kk........kk .k.aaaaaa.k. .k.a.aa.a.k. kk.aaaaaa.kk kk.aaaaaa.kk .k.a....a.k. .k.aaaaaa.k. kk........kk .kkkkkkkkkk. ..k..kk..k..",
  letters: "............ ....kk...... ....kkk..... ...kk.k..... ...kk.kk.... ..kk...k.... ..kkkkkkk... .kk....kk... .kk.....kk.. kkkk...kkkk. ............ ............",
};

// What the agent's frames change: row → [column, letters].
const frames = {
  agent_found: { 0: [20, ".y.."], 1: [19, "yyy"], 2: [20, "y"], 11: [6, "nlnlnnnnlnln"], 12: [6, "nlllnnnnllln"], 14: [6, "nssnssssnssn"], 15: [6, "nsssnnnnsssn"] },
  agent_found_2: { 2: [20, ".y.."], 3: [19, ".yyy"], 4: [21, "y"], 1: [2, "y"], 0: [2, "."], 11: [6, "nlnlnnnnlnln"], 12: [6, "nlllnnnnllln"], 14: [6, "nssnssssnssn"], 15: [6, "nsssnnnnsssn"] },
  agent_retake: { 9: [20, "yy"], 10: [20, "yy"], 11: [20, "yy"], 12: [20, "yy"], 14: [20, "yy"], 15: [6, "nsssnnnnsssn"] },
  agent_retake_2: { 11: [6, "nllnnnnnlnnn"], 12: [6, "nlllnnnnllln"], 15: [6, "nsssnnnnsssn"] },
  agent_busy: { 8: [20, "a"], 9: [19, "aaa"], 10: [19, "aaa"], 11: [6, "nnllnnnnllnn"], 12: [6, "nlnlnnnnlnln"], 15: [6, "nsnsnsnsnssn"] },
  agent_busy_2: { 10: [20, "a"], 11: [19, "aaa"], 12: [19, "aaa"], 15: [6, "nssnsnsnsnsn"] },
  agent_offline: { 11: [6, "nnlnnnnnnlnn"], 12: [6, "nlnlnnnnlnln"], 1: [9, "nnnnnn"], 5: [7, "ndddddddd"], 6: [8, "dddddddd"], 15: [6, "nsssnnnnsssn"], 18: [11, "dd"], 19: [11, "dd"], 20: [11, "dd"], 21: [11, "dd"], 22: [11, "dd"] },
};

/** Other names of the same pictures: states, severities, sources. */
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

for (const [name, map] of Object.entries(tools)) MAPS[name] = map.split(" ");
for (const [name, changes] of Object.entries(frames)) MAPS[name] = frame(changes);
for (const [name, other] of Object.entries(SAME)) MAPS[name] = MAPS[other];
