"""Data that differs between countries: a table of currencies, tables of words for each language, a table of scripts.

The rules are pure functions over these tables. A new country is a new line here, never a new branch in the rules.
"""
