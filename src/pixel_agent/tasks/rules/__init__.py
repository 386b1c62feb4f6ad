"""Pure readers: text, dates, prices and layout, from lines to rows. They import `core` only."""
