"""What differs from country to country, as data: one table of currencies, one of words a language, one of scripts.

The rules are pure functions over these tables. A new country is a new line here, never a new branch there.
"""
