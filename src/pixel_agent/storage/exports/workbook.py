"""A workbook (ECMA-376, Office Open XML): sheets of one name that go on in further ones, and the parts around them.

The archive is put together piece by piece, so that it never stands on the disk as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import JsonValue

from pixel_agent.storage.exports.sheet import Sheet

LEVEL = 1
"""Of compression: sheets repeat themselves so much that the quickest level is enough."""

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="1">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFE8EEF4"/><bgColor indexed="64"/></patternFill></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class Table:
    """A table that takes as many sheets as it needs: `rows`, `rows 2`, …"""

    def __init__(self, folder: Path, name: str, columns: Sequence[str], headings: Sequence[str]) -> None:
        self._folder, self._name, self._columns, self._headings = folder, name, columns, headings
        self.sheets: list[Sheet] = []
        self._open()

    def add(self, values: Sequence[JsonValue]) -> None:
        """Write one row."""
        if self.sheets[-1].full:
            self.sheets[-1].finish()
            self._open()
        self.sheets[-1].add(values)

    def _open(self) -> None:
        number = len(self.sheets) + 1
        name = self._name if number == 1 else f"{self._name} {number}"
        path = self._folder / f"{self._name}-{number}.xml"
        self.sheets.append(Sheet(path, name, self._columns, self._headings))


def package(sheets: Sequence[Sheet]) -> Iterator[bytes]:
    """The archive of finished sheets, in pieces."""
    out = _Taken()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, part in _parts(sheets).items():
            archive.writestr(name, part)
        for number, sheet in enumerate(sheets, 1):
            info = ZipInfo(f"xl/worksheets/sheet{number}.xml")
            info.compress_type, info.file_size = ZIP_DEFLATED, sheet.path.stat().st_size
            with archive.open(info, "w") as file:
                for piece in sheet.pieces():
                    file.write(piece)
                    yield out.take()
            sheet.path.unlink()
    yield out.take()


class _Taken(BytesIO):
    """A file that cannot be wound back, of which what was written is taken away again and again."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError("This is a stream.")

    def take(self) -> bytes:
        data = self.getvalue()
        super().seek(0)
        self.truncate()
        return data


def _parts(sheets: Sequence[Sheet]) -> dict[str, str]:
    """Everything but the sheets."""
    numbered = list(enumerate(sheets, 1))
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n, _ in numbered
    )
    listed = "".join(f'<sheet name="{sheet.name}" sheetId="{n}" r:id="rId{n}"/>' for n, sheet in numbered)
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{n - 1}" hidden="1">{_absolute(sheet)}</definedName>'
        for n, sheet in numbered
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    styles = f'<Relationship Id="rId{len(sheets) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{types}</Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{listed}</sheets><definedNames>{filters}</definedNames></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{relations}{styles}'
        "</Relationships>",
        "xl/styles.xml": _STYLES,
    }


def _absolute(sheet: Sheet) -> str:
    """The area of a sheet as a formula names it: 'rows'!$A$1:$Z$9."""
    last = sheet.area.partition(":")[2]
    letters = last.rstrip("0123456789")
    return f"'{sheet.name}'!$A$1:${letters}${last.removeprefix(letters)}"
