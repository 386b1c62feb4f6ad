"""The camera, with Chromium's fake device: allowed, refused, and allowed after a refusal."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.harness import OpenPage, Screen
from tests.e2e.conftest import Server

OPEN = """async () => {
    const { openCamera } = await import('/app/js/camera.js');
    window.leave = new AbortController();
    window.photo = openCamera({ signal: window.leave.signal }).then((blob) => blob && { size: blob.size, type: blob.type });
}"""
STREAMS = """() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.tracks = [];
    window.asked = [];
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        window.asked.push(wanted);
        const stream = await ask(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
}"""


def opened(page: Page) -> Page:
    page.evaluate(STREAMS)
    page.evaluate(OPEN)
    return page


def stopped(page: Page) -> bool:
    done: bool = page.evaluate("() => window.tracks.every((track) => track.readyState === 'ended')")
    return done


def test_a_photo_is_taken_with_the_rear_camera_and_the_camera_is_let_go(
    simulated: Server, open_page: OpenPage, screen: Screen
) -> None:
    page = opened(open_page(simulated, screen, permissions=["camera"]).go("#/settings"))
    shutter = page.locator(".camera-shutter")
    expect(shutter).to_be_focused()
    expect(page.locator("#live-polite")).to_contain_text("相机已打开")
    assert page.evaluate("() => window.asked[0].video.facingMode.ideal") == "environment"
    page.keyboard.press("Enter")
    photo = page.evaluate("() => window.photo")
    assert photo["size"] > 1000
    assert photo["type"].startswith("image/")
    assert stopped(page)
    expect(page.locator("dialog")).to_have_count(0)


def test_a_refusal_is_explained_and_can_be_taken_back(simulated: Server, open_page: OpenPage) -> None:
    page = opened(open_page(simulated).go("#/settings"))
    expect(page.locator(".camera-trouble h3")).to_have_text("没有相机权限")
    expect(page.locator(".camera-trouble")).to_contain_text("允许")
    expect(page.locator("#live-assertive")).to_contain_text("没有相机权限")
    expect(page.locator(".camera-upload")).to_be_visible()
    page.context.grant_permissions(["camera"])
    expect(page.locator(".camera-shutter")).to_be_visible()  # by itself, once it is allowed
    page.locator(".camera-shutter").click()
    assert page.evaluate("() => window.photo")["size"] > 1000


def test_after_a_refusal_a_file_can_be_chosen(simulated: Server, open_page: OpenPage) -> None:
    page = opened(open_page(simulated).go("#/settings"))
    with page.expect_file_chooser() as chooser:
        page.locator(".camera-upload").click()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"photo"})
    assert page.evaluate("() => window.photo") == {"size": 5, "type": "image/jpeg"}


def test_escape_and_leaving_stop_the_camera(simulated: Server, open_page: OpenPage) -> None:
    page = opened(open_page(simulated, permissions=["camera"]).go("#/settings"))
    expect(page.locator(".camera-shutter")).to_be_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("() => window.photo") is None
    assert stopped(page)
    opened(page)
    expect(page.locator(".camera-shutter")).to_be_visible()
    page.evaluate("() => window.leave.abort()")
    assert page.evaluate("() => window.photo") is None
    assert stopped(page)


def test_without_a_secure_address_the_phones_own_camera_is_offered(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    page.evaluate("() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined, configurable: true })")
    page.evaluate(OPEN)
    expect(page.locator(".camera-trouble h3")).to_have_text("这个地址不能直接开相机")
    expect(page.locator(".camera-upload")).to_be_focused()
    page.locator(".camera-close").click()
    assert page.evaluate("() => window.photo") is None
