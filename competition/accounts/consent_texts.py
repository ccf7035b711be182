"""The texts that hold where nobody wrote another: who asks, for what, which data, how long kept, which rights.

They are stored as they were shown, so they are no sentences of the interface: each is in Chinese with its English after
it. PIPL 14–17 (informed consent), 23 (handing on), 25 (making public), 44–50 (rights).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KINDS: Final = ("account", "registration", "publication", "promotion")
SEPARATOR: Final = "\n\n— English —\n\n"
"""Stands between the Chinese and the English half of a text."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a default text names: the contest, who holds it, until when its data is kept, whom to ask."""

    contest: str = ""
    hosts: str = ""
    until: str = ""
    contact: str = ""


TITLES: Final = {
    "account": "个人信息处理同意书（账号）",
    "registration": "个人信息处理同意书（报名）",
    "publication": "公开姓名和单位的单独同意",
    "promotion": "向上级竞赛和表彰机关提供信息的单独同意",
}

_RIGHTS: Final = (
    "你可以随时在“我的信息”页查看、下载（JSON）、更正、删除自己的信息，也可以撤回同意；撤回不影响撤回以前已经做的处理。"
    "不同意或撤回，只影响需要这些信息的那一项服务。"
)
_RIGHTS_EN: Final = (
    "On the page “My data” you can at any time see, download (JSON), correct and erase your data and withdraw this "
    "consent; withdrawing does not touch what was done before. Refusing or withdrawing affects only what needs it."
)

BODIES: Final = {
    "account": (
        "处理者：{hosts}。联系方式：{contact}。\n"
        "目的：为你建立账号，用于登录、报名、检录和通知。\n"
        "种类：姓名、登录名、手机号或电子邮箱；你自愿填写的其他栏目，每一栏旁边写明用途和谁能看到。"
        "手机号和身份证号加密保存，页面上只显示部分数字。\n"
        "保存期限：到你注销账号为止。\n"
        "权利：" + _RIGHTS,
        "Who: {hosts}. Contact: {contact}.\n"
        "For what: an account, to sign in, register for contests, check in and be told.\n"
        "Which data: name, sign-in name, mobile number or e-mail; other fields you choose to fill, each with its "
        "purpose and readers beside it. Phone and ID numbers are encrypted and never shown in full.\n"
        "How long: until you close the account.\n"
        "Rights: " + _RIGHTS_EN,
    ),
    "registration": (
        "处理者：《{contest}》的主办方 {hosts}。联系方式：{contact}。\n"
        "目的：审核参赛资格，组织检录、比赛、评分和申诉。\n"
        "种类：姓名、性别、出生日期、身份证号、手机号、单位、岗位、技能等级，以及报名表里的其他栏目和附件。\n"
        "谁能看到：你的单位和上级单位的经办人、主办方的工作人员；评分的裁判员只看到编号。\n"
        "保存期限：{until}。到期后自动删除；已公布的成绩和名次按竞赛档案规定保存。\n"
        "权利：" + _RIGHTS,
        "Who: {hosts}, who hold “{contest}”. Contact: {contact}.\n"
        "For what: to check eligibility and to run check-in, the contest, marking and appeals.\n"
        "Which data: name, sex, birthday, ID number, mobile number, unit, post, skill level, and the other fields and "
        "files of the form.\n"
        "Who sees it: the officers of your unit and those above it, and the hosts' staff; judges see a number alone.\n"
        "How long: {until}. Then it is erased; published results stay in the contest's archive.\n"
        "Rights: " + _RIGHTS_EN,
    ),
    "publication": (
        "处理者：《{contest}》的主办方 {hosts}。\n"
        "目的：公示和公布名次、奖项（《个人信息保护法》第二十五条要求单独同意）。\n"
        "种类：姓名、单位、参赛项目、名次、奖项。不公开身份证号和手机号的任何一位。\n"
        "保存期限：公示和公布期间公开；{until}。\n"
        "权利：不同意也可以参赛，但依规定必须公示才能授予的奖项和称号，可能因此不能授予。" + _RIGHTS,
        "Who: {hosts}, who hold “{contest}”.\n"
        "For what: the public notice and the published ranks and prizes (PIPL 25 asks for separate consent).\n"
        "Which data: name, unit, entry, rank, prize; never a digit of an ID or phone number.\n"
        "How long: public during the notice and the publication; {until}.\n"
        "Rights: you may compete without agreeing; a prize may need a public notice, though. " + _RIGHTS_EN,
    ),
    "promotion": (
        "提供方：《{contest}》的主办方 {hosts}。接收方：上一级竞赛的主办方和表彰机关。\n"
        "目的：按名次推荐你参加上一级竞赛，或推荐表彰、晋升技能等级（《个人信息保护法》第二十三条要求单独同意）。\n"
        "种类：姓名、单位、参赛项目、成绩、名次；推荐表要求的其他栏目。\n"
        "保存期限：由接收方按其规定保存；本平台{until}。\n"
        "权利：不同意不影响本次比赛的成绩，只是不能推荐。" + _RIGHTS,
        "Who gives: {hosts}, who hold “{contest}”. Who receives: the hosts of the contest above and awarding bodies.\n"
        "For what: to send you on by your rank, or to recommend you for an honour or a skill level (PIPL 23 asks for "
        "separate consent).\n"
        "Which data: name, unit, entry, score, rank; what a recommendation form asks besides.\n"
        "How long: as the receiver's own rules say; here: {until}.\n"
        "Rights: refusing does not touch your result here; you are only not recommended. " + _RIGHTS_EN,
    ),
}


def default_text(kind: str, facts: Facts) -> tuple[str, str]:
    """Title and body of a kind, with the facts filled in; both languages say what is not known yet."""
    chinese, english = BODIES[kind]
    said = {
        "contest": facts.contest,
        "hosts": facts.hosts or "本平台的运营单位",
        "contact": facts.contact or "竞赛页上的联系人",
        "until": f"保存到 {facts.until}" if facts.until else "到公示和申诉结束后十二个月",
    }
    told = {
        "contest": facts.contest,
        "hosts": facts.hosts or "those who run this platform",
        "contact": facts.contact or "see the contest's page",
        "until": f"until {facts.until}" if facts.until else "until twelve months after the notice and appeals",
    }
    return TITLES[kind], chinese.format(**said) + SEPARATOR + english.format(**told)
