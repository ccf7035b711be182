"""From an empty database to a drawn contest, by pages alone, as the people of the field do it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, Route, expect

from competition.accounts import roster
from competition.shared import clock
from competition.shared.excel import write_workbook
from tests.e2e.walking import Walker, photo
from tests.program import WEIHAI, Program

CODE, TRACK, UPPER = "weihai-2026-weld", "welder", "shandong-2026-welder"
PASSWORD = "Haifeng-2026-lei"
PART = 4 * 1024 * 1024


def local(minutes: int) -> str:
    """A moment so many minutes from now as the editor's field takes it, in China's time."""
    return (clock.now() + timedelta(minutes=minutes)).astimezone(clock.LOCAL).strftime("%Y-%m-%dT%H:%M")


def officer(admin: Walker, unit: str, name: str) -> str:
    """The administrator appoints an officer, who has no account yet; gives the link to hand over."""
    admin.go(f"/units/{unit}")
    admin.page.get_by_text("添加经办人").click()
    admin.fill(name=name)
    admin.page.get_by_role("button", name="添加", exact=True).click()
    return str(admin.page.locator("code").first.text_content())


def units(admin: Walker) -> dict[str, str]:
    """The tree of units, and the links of the officers of two of them."""
    admin.go("/")
    admin.menu("单位")
    admin.picture("01-units-none")
    for parent, code, name, kind in (
        ("", "weihai", "威海市总工会", "district"),
        ("weihai", "rongcheng", "荣成市总工会", "district"),
        ("rongcheng", "yard", "荣成造船有限公司", "enterprise"),
    ):
        if parent:
            admin.go(f"/units/{parent}")
            admin.follow("添加下级单位")
        else:
            admin.follow("添加单位")
        admin.fill(name=name, kind=kind, code=code)
        admin.press("保存")
        expect(admin.page.get_by_role("heading", level=1)).to_have_text(name)
    links = {"yard": officer(admin, "yard", "孙丽"), "rongcheng": officer(admin, "rongcheng", "周强")}
    admin.go("/units/rongcheng")
    admin.picture("02-unit")
    return links


def contest(first: Walker) -> None:
    """The organiser makes the contest from a template, and asks for its rules to be published."""
    first.go("/")
    first.follow("新建赛事")
    first.picture("03-new-contest")
    first.page.get_by_text("职业技能竞赛").first.click()
    first.fill(title="2026年威海市焊工职业技能竞赛", code=CODE, unit="weihai")
    first.press("建立草稿")
    first.picture("04-editor")
    first.go(f"/manage/{CODE}/edit/dates")
    first.fill(**{"f-registration_opens_at": local(-60), "f-registration_closes_at": local(60)})
    first.fill(**{"f-starts_at": local(24 * 60), "f-ends_at": local(36 * 60), "f-retention_until": "2028-12-31"})
    first.press("保存")
    first.go(f"/manage/{CODE}/edit/hosts")
    first.says("威海市总工会")
    first.go(f"/manage/{CODE}/edit/files")
    first.picture("05-files")
    first.go(f"/manage/{CODE}/edit/eligibility/{TRACK}")
    first.picture("06-eligibility")
    first.go(f"/manage/{CODE}")
    first.picture("07-manage-draft")
    first.follow("规则与版本")
    first.press("提交发布")
    first.says("等待第二位主办方")
    first.picture("08-rules-asked")


def agreed(second: Walker) -> None:
    """The second organiser finds the question among the tasks and answers it."""
    second.go("/")
    second.menu("待办")
    second.picture("09-tasks")
    second.follow("等您决定的申请")
    second.picture("10-approvals")
    second.page.locator("a.ask").first.click()
    second.picture("11-approval")
    second.press("同意并执行")
    second.says("已同意")


def phase(who: Walker, name: str) -> None:
    who.go(f"/manage/{CODE}")
    who.page.get_by_label("推进到").select_option(name)
    who.page.get_by_role("button", name="推进").click()
    expect(who.page.locator(".notice[role=status]")).to_contain_text("已进入")


def roster_file(path: Path) -> None:
    row = {
        "name": "李海燕", "sex": "女", "birth_date": "1992-03-08", "phone": "13863100002", "occupation": "焊工",
        "work_since": "2015-07-01", "employment": "单位职工",
    }  # fmt: skip
    columns = roster.columns()
    path.write_bytes(write_workbook("人员名册", columns, [[row.get(column.key, "") for column in columns]]))


def roster_up(yard: Walker, path: Path) -> str:
    """The unit's officer brings a roster and prints a sign-in code for who is new; gives that link."""
    yard.menu("单位")
    yard.follow("荣成造船有限公司")
    yard.follow("人员")
    yard.follow("导入名册")
    yard.picture("12-roster")
    yard.page.locator("#file").set_input_files(path)
    yard.press("上传并检查")
    yard.says("新增 1 人")
    yard.picture("13-roster-checked")
    yard.press("导入这 1 行")
    yard.go("/units/yard/people")
    yard.page.get_by_role("checkbox", name="李海燕").check()
    yard.picture("14-people")
    yard.press("给选中的人打印登录二维码")
    return str(yard.page.locator("code.hash").text_content())


def asks_for_places(yard: Walker, organiser: Walker) -> None:
    yard.go("/unit/yard/registrations")
    yard.follow("名额")
    yard.page.get_by_role("textbox", name="申请").first.fill("2")
    yard.press("申请")
    organiser.go(f"/manage/{CODE}/quotas")
    organiser.picture("15-quotas")
    organiser.press("批准")


def fills(who: Walker, **profile: str) -> None:
    """What the form still lacks about a person and the entry, then a saved draft."""
    who.fill(**{f"p-{key}": value for key, value in profile.items()})
    who.page.get_by_label("中级工", exact=True).check()
    who.page.locator(".reg-bar").get_by_role("button", name="存草稿").click()
    expect(who.page.locator("[data-saved]")).to_contain_text("已保存")


def sends(who: Walker, path: Path) -> None:
    who.page.locator("#pick-form").set_input_files(path)
    expect(who.page.locator("#file-form .chip-ok")).to_contain_text("已收到", timeout=30_000)


def sends_in_two_goes(who: Walker, path: Path, digest: str) -> None:
    """The network goes while the second part is on its way; after a reload the same file goes on from there."""
    began: list[int] = []
    held: list[Route] = []

    def second_part(route: Route) -> None:
        if route.request.method == "PATCH":
            began.append(int(route.request.headers["upload-offset"]))
            if began[-1] > 0 and not held:
                held.append(route)
                return
        route.continue_()

    who.page.route("**/api/v1/uploads/**", second_part)
    with who.page.expect_request(lambda one: one.headers.get("upload-offset") == str(PART)):
        who.page.locator("#pick-form").set_input_files(path)
    who.picture("19-upload-half")
    who.context.set_offline(True)
    held[0].abort()
    expect(who.page.locator("#file-form .file.is-sending")).to_be_visible()
    assert began == [0, PART]
    who.context.set_offline(False)
    who.page.reload()
    expect(who.page.locator(".file-add.is-enhanced").first).to_be_attached()
    expect(who.page.locator("#file-form .chip-ok")).to_have_count(0)
    sends(who, path)
    assert began[2] == PART and began[-1] > PART and 0 not in began[1:], began
    expect(who.page.locator("#file-form .hash")).to_have_attribute("title", digest)


def makes_account(who: Walker, name: str, phone: str) -> None:
    who.fill(name=name, contact=phone, password=PASSWORD)
    who.page.get_by_label("我已阅读并同意").check()
    who.press("注册")
    who.follow("继续")


def signs_up(who: Walker) -> None:
    """From the contest's public page to an account and back to the entry."""
    who.go(f"/contests/{CODE}")
    who.picture("17-contest")
    who.follow("我要报名")
    who.follow("没有账号，注册")
    makes_account(who, "王建国", "13863100001")


def hands_in(who: Walker, name: str) -> str:
    """Hands the entry in; gives its number."""
    who.page.get_by_label("我已阅读并同意").first.check()
    who.picture(name)
    who.page.get_by_role("button", name="提交报名").click()
    expect(who.page.locator("main .chip").first).to_contain_text("审核中")
    return who.page.url.rsplit("/", 1)[1]


def confirms_many(who: Walker, path: str, name: str) -> None:
    """Everything that waits, at once, with the number typed."""
    who.go(path)
    boxes = who.page.locator("input[name=number]")
    for at in range(boxes.count()):
        boxes.nth(at).check()
    who.picture(f"{name}-list")
    who.press("批量通过")
    who.picture(f"{name}-many")
    who.fill(typed="1")
    who.press("全部通过")
    who.says("没有执行")
    who.fill(typed="2")
    who.press("全部通过")
    expect(who.page.locator("input[name=number]")).to_have_count(0)


def closes(organiser: Walker) -> None:
    """The organiser closes the registration, now."""
    organiser.go(f"/manage/{CODE}/edit/dates")
    organiser.fill(**{"f-registration_closes_at": local(-1)})
    organiser.press("保存")
    organiser.says("已保存")
    phase(organiser, "draw")


def draws(organiser: Walker, coder: Walker, door: Walker, visitor: Walker) -> None:
    """Layers, a commitment that everybody sees, the door, the draw, the seed."""
    organiser.go(f"/manage/{CODE}")
    organiser.follow("抽签与编码")
    organiser.picture("24-layers")
    organiser.press("保存编码层")

    coder.menu("待办")
    coder.picture("25-coder-tasks")
    coder.follow("公布承诺：参赛编号")
    coder.page.get_by_label("同单位不相邻").first.uncheck()
    coder.picture("26-coder")
    coder.press("公布承诺")
    promised = coder.page.locator(".lot .hash").first.text_content() or ""
    visitor.go(f"/contests/{CODE}")
    visitor.follow("抽签")
    visitor.says(promised.strip())
    visitor.picture("27-public-promised")

    door.go(f"/manage/{CODE}")
    door.follow("检录")
    expect(door.page.locator("[data-saved]")).to_have_text("已保存 ✓")
    for at in range(2):
        door.page.locator("[data-list] [data-toggle]").nth(at).click()
    expect(door.page.locator("[data-count]")).to_have_text("到场 2 / 2")
    expect(door.page.locator("[data-saved]")).to_have_text("已保存 ✓")
    door.picture("28-door")

    coder.menu("待办")
    coder.follow("抽签：参赛编号")
    coder.press("抽签")
    coder.press("公布种子")
    coder.page.locator("details.map summary").first.click()
    coder.picture("29-coder-drawn")
    visitor.page.reload()
    expect(visitor.page.locator(".hashes dd.hash").nth(1)).to_have_text(re.compile("^[0-9a-f]{64}$"))
    visitor.picture("30-public-drawn")


def test_from_nothing_to_a_drawn_contest(program: Program, browser: Browser, tmp_path: Path) -> None:
    for name, role in (("admin", "admin"), ("zhang", "organiser"), ("wang", "organiser")):
        program.run("user", "add", name, "--role", role, "--password-stdin", typed=PASSWORD + "\n")
    program.start()
    admin, first, second = (Walker(program, browser) for _each in range(3))
    for walker, login in ((admin, "admin"), (first, "zhang"), (second, "wang")):
        walker.sign_in(login, PASSWORD)
    links = units(admin)
    contest(first)
    agreed(second)
    phase(first, "registration")
    first.picture("16-manage-registration")

    yard = Walker(program, browser)
    yard.go(links["yard"])
    roster_file(tmp_path / "roster.xlsx")
    hers = roster_up(yard, tmp_path / "roster.xlsx")
    asks_for_places(yard, second)

    he, she = (Walker(program, browser, phone=True) for _each in range(2))
    digest = photo(tmp_path / "form.png", 1800)
    signs_up(he)
    he.picture("18-start")
    he.press("个人报名")
    fills(he, birth_date="1990-05-01", work_since="2012-07-01", sex="male", employment="employee")
    sends_in_two_goes(he, tmp_path / "form.png", digest)
    he.page.get_by_label("查找单位").fill("荣成造船")
    he.page.get_by_label("荣成造船有限公司").check()
    number = hands_in(he, "20-form")
    he.picture("21-handed-in")
    he.follow("回执")
    he.says(digest)
    he.picture("22-receipt")

    photo(tmp_path / "hers.png", 200)
    she.go(hers)
    she.go("/")
    she.follow("我要报名")
    she.press("个人报名")
    fills(she)
    she.fill(**{"p-work_since": "2014-07-01"})
    sends(she, tmp_path / "hers.png")
    # What was typed and not saved outlives the arrival of a file.
    expect(she.page.locator("#p-work_since")).to_have_value("2014-07-01")
    hands_in(she, "20-form-roster")

    yard.menu("待办")
    yard.picture("23-officer-tasks")
    confirms_many(yard, "/unit/yard/registrations", "23-yard")
    county = Walker(program, browser)
    county.go(links["rongcheng"])
    confirms_many(county, "/unit/rongcheng/registrations", "23-county")
    confirms_many(second, f"/manage/{CODE}/registrations", "23-city")
    he.menu("我的报名")
    he.says("已确认参赛")
    he.picture("23-mine")
    he.go(f"/registrations/{number}")
    he.picture("23-confirmed")
    closes(first)

    coder, door, visitor = Walker(program, browser), Walker(program, browser, phone=True), Walker(program, browser)
    coder.go(program.link(CODE, "--role", "coder", "--user", "coder"))
    door.go(program.link(CODE, "--role", "organiser", "--user", "door"))
    draws(first, coder, door, visitor)
    program.run("draw", f"{CODE}/{TRACK}", "--replay")
    first.go(f"/manage/{CODE}/ready")
    first.picture("31-ready")
    phase(first, "scoring")
    first.picture("32-manage-scoring")
    bundle = json.loads(program.run("export", CODE))
    assert sorted(entry["draw"] for entry in bundle["entries"]) == [1, 2]
    for walker in (admin, first, second, yard, county, he, she, coder, door, visitor):
        walker.end()


def test_winners_of_a_lower_contest_arrive_as_drafted_entries(
    program: Program, browser: Browser, tmp_path: Path
) -> None:
    lower = json.loads((WEIHAI / "welder.json").read_text(encoding="utf-8"))
    lower["contest"]["phase"] = "notice"
    upper = {key: lower[key] for key in ("format", "tracks", "team_points", "schemes") if key in lower}
    upper["contest"] = {**lower["contest"], "code": UPPER, "title": "2026年山东省焊工职业技能竞赛", "level": "province",
                        "phase": "registration"}  # fmt: skip
    for name, bundle in (("lower", lower), ("upper", upper)):
        (tmp_path / f"{name}.json").write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
        program.run("import", str(tmp_path / f"{name}.json"))
    program.start()
    winners = json.loads((WEIHAI / "welder.results.json").read_text(encoding="utf-8"))["tracks"][0]["ranking"]
    winners = sorted(
        (row for row in winners if row["rank"] is not None and row["rank"] <= 3), key=lambda row: row["rank"]
    )

    organiser = Walker(program, browser)
    organiser.go(program.link(UPPER, "--role", "organiser"))
    organiser.go(f"/manage/{UPPER}")
    organiser.follow("层层选拔")
    organiser.fill(lower_contest=lower["contest"]["code"], lower_track=TRACK, top="3")
    organiser.press("增加")
    # Nobody goes up without a consent, on this server or on paper.
    organiser.press("取前 3 名为报名草稿")
    organiser.says("新建 0 份报名草稿")
    organiser.page.get_by_label("书面同意存放处").first.fill("威海市总工会档案室 2026-41")
    organiser.press("取前 3 名为报名草稿")
    organiser.says("新建 3 份报名草稿")
    rows = organiser.page.locator(".review-table tbody tr")
    expect(rows).to_have_count(3)
    for at, winner in enumerate(winners):
        expect(rows.nth(at)).to_contain_text(str(winner["total"]))
        expect(rows.nth(at)).to_contain_text("威海市总工会档案室 2026-41")
    organiser.picture("33-layers")
    title = rows.first.locator("td").nth(3).inner_text().split()[0]
    rows.first.get_by_role("button", name="认领链接").click()
    link = organiser.page.locator("main code").inner_text()
    qr = organiser.page.locator("main svg").bounding_box()
    assert qr is not None and qr["width"] > 150
    organiser.picture("34-claim-link")

    winner = Walker(program, browser, phone=True)
    winner.page.goto(link)
    winner.follow("注册")
    makes_account(winner, title, "13863100003")
    winner.says("认领报名")
    winner.picture("35-claim")
    winner.press("是我，认领")
    expect(winner.page.get_by_role("button", name="提交报名")).to_be_visible()
    winner.picture("36-claimed")
    winner.menu("我的报名")
    winner.says("还没有提交")
    winner.says(title)
    winner.end()
    organiser.end()
