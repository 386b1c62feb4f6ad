// Texts of the settings view.

export default {
  zh: {
    "settings.language": "语言",
    "settings.zh": "中文",
    "settings.en": "English",
    "settings.palette": "配色",
    "settings.clear": "清晰模式",
    "settings.clear_about": "使用普通字体，关闭点阵与动画效果。",
    "settings.sound": "声音",
    "settings.sound_about": "读完、要求重拍或出错时发出短促提示音。",
    "settings.reviewer": "复核人",
    "settings.reviewer_about": "确认或更正读数时记录的名字。",
    "settings.store": "门店",
    "settings.store_about": "新的扫描记在这家门店名下。",
    "settings.docs": "接口文档",
  },
  en: {
    "settings.language": "Language",
    "settings.zh": "中文",
    "settings.en": "English",
    "settings.palette": "Palette",
    "settings.clear": "Clear mode",
    "settings.clear_about": "A plain typeface, no dithering, no animation.",
    "settings.sound": "Sound",
    "settings.sound_about": "A short beep when a reading is there, a retake is asked for, or something fails.",
    "settings.reviewer": "Reviewer",
    "settings.reviewer_about": "The name kept with readings that you confirm or correct.",
    "settings.store": "Store",
    "settings.store_about": "New scans are kept under this store.",
    "settings.docs": "API documentation",
  },
};
