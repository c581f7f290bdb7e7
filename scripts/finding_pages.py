# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/report.md and docs/report.zh-CN.md: the catalogue of findings, from plugin/engine/findings/tl_findings.def."""

import re

import definitions

ENGLISH, CHINESE = 0, 1

INTRO = (
    """# The report: what is wrong in this capture

    tshark -q -r FILE -z tcplife,report                    text of 100 columns, to paste into a ticket
    tshark -q -r FILE -z tcplife,report,all                every finding with its evidence
    tshark -q -r FILE -z 'tcplife,report,ip.addr == ADDR'  of the connections that a filter selects
    tshark -q -r FILE -z tcplife,report_json               one JSON object a line, for programs
    tshark -2 -r FILE -Y 'tcplife.finding == "idle_cut"'   the segments of the connections with a finding
    tcplife-batch --report FOLDER                          one report over many captures
    wireshark -z tcplife,report                            Statistics > TCP Lifecycle Report

The report names the worst first: what it cost in seconds of waiting, times how sure it is (certain 1, likely 0.8, perhaps 0.5). It
says what was *seen*, in numbers that the filter behind *show* lets you count again; what that *means*, as far as the capture tells;
and what to *check* next. Text and JSON use the language of the preference `tcplife.explanation_language`; words never change.

## Rules

1. One connection has one failure: the first row below that holds. What is slow is told besides.
2. Rank is cost times confidence; there is no class above it. Notes have no rank.
3. A silence that failed is an upper bound of a timeout, one that was survived a lower bound; only a reset that comes unasked measures it.
4. Harm counts, not form: an abort is a failure only when something was owed.
5. Who sent nothing has done nothing: the victim of a flood in its name does not scan.
6. Faults of the capture come first and lower every confidence; where three connections in ten are incomplete all else is *perhaps*.
7. Where there is no path there is no loss: what is missing beside the server was dropped by the server.
8. Several servers with one finding are told as one when they are more than three and none has a quarter of the cost.

*Certain* is a plain sentence; *likely:* and *perhaps:* stand before what is less sure. Evidence is never a cause.

## The capture

The first lines sum up: segments, connections, how many opened, failed to open and closed well; what all connections together waited
for ([connections.md](connections.md), the columns `wait_...`); and what the capture cannot tell. "Nothing wrong found" is about what was
captured; the slowest set-up and the longest answer stand beside it.

## For programs

The first line of `report_json` is the capture (`"finding": null`), each other one a finding:

| member | what it is |
|---|---|
| `finding` | word of the catalogue below |
| `class` | `broken`, `slow`, `note` or `caveat` |
| `group` | its number in this report, as `tcplife.finding.group` |
| `confidence` | `certain`, `likely` or `guess` |
| `connections`, `of` | how many connections have it, of how many |
| `cost`, `score` | seconds, and seconds times confidence |
| `measures` | `min`, `max`, `sum` and `count` of what was measured of each connection: below |
| `traits` | how many connections have a trait: below |
| `title`, `where`, `seen`, `means`, `check` | texts, which may change |
| `filter` | display filter of exactly these connections |
| `frames` | up to five frames to look at |
""",
    """# 报告：这个抓包里有什么问题

    tshark -q -r 文件 -z tcplife,report                    100 列文本，可贴进工单
    tshark -q -r 文件 -z tcplife,report,all                全部结论及其证据
    tshark -q -r 文件 -z 'tcplife,report,ip.addr == 地址'  只报告过滤器选中的连接
    tshark -q -r 文件 -z tcplife,report_json               每行一个 JSON 对象，供程序使用
    tshark -2 -r 文件 -Y 'tcplife.finding == "idle_cut"'   有某结论的连接的报文段
    tcplife-batch --report 文件夹                          多个抓包合成一份报告
    wireshark -z tcplife,report                            统计 > TCP Lifecycle Report

报告先说最严重的：按等待所耗的秒数乘以把握程度排序（确定 1，很可能 0.8，也许 0.5）。“证据”是看到的数字，用“过滤器”可以重新数出来；
“含义”是抓包所能说明的原因；“下一步”是接着查什么。文本与 JSON 使用首选项 `tcplife.explanation_language` 的语言；英文词不变。

## 规则

1. 一条连接只有一个故障：下表中第一个成立的。变慢的原因另行列出。
2. 排名是代价乘以把握程度，没有高于它的级别。无害的提示不参与排名。
3. 失败前的静默是超时的上限，安然度过的静默是下限；只有自行到来的 RST 才能量出超时。
4. 看损害，不看形式：只有仍欠着数据或应答时，中止才算故障。
5. 什么也没发的地址什么也没做：被冒名的洪泛受害者不是扫描者。
6. 抓包自身的缺陷放在最前，并降低所有把握程度；三成连接不完整时，其余一律为“也许”。
7. 没有路径就没有丢包：在服务器旁缺失的，是服务器丢弃的。
8. 同一结论涉及三个以上服务器、且没有一个占到四分之一代价时，合并为一条。

“确定”的结论直接陈述；“很可能：”“也许：”写在把握较小的说法之前。证据从不等于原因。

## 抓包概况

开头几行是总结：报文段数、连接数、打开、未能打开与正常关闭的数目；所有连接一共在等什么（[connections.md](connections.md) 的
`wait_...` 列）；以及这个抓包不能说明什么。“未发现问题”只针对已抓到的部分；旁边写着最慢的建立和最长的应答。

## 供程序使用

`report_json` 的第一行是抓包（`"finding": null`），其余每行是一个结论：

| 成员 | 含义 |
|---|---|
| `finding` | 下面目录中的词 |
| `class` | `broken`、`slow`、`note` 或 `caveat` |
| `group` | 在本报告中的编号，即 `tcplife.finding.group` |
| `confidence` | `certain`、`likely` 或 `guess` |
| `connections`、`of` | 有此结论的连接数与连接总数 |
| `cost`、`score` | 秒数，以及乘以把握程度的秒数 |
| `measures` | 每条连接所测数值的 `min`、`max`、`sum`、`count`，见下 |
| `traits` | 有某特征的连接数，见下 |
| `title`、`where`、`seen`、`means`、`check` | 文本，可能改变 |
| `filter` | 恰好显示这些连接的过滤器 |
| `frames` | 至多五个可看的帧 |
""",
)

HEADS = (
    {"catalogue": "## Catalogue", "classes": "In the order in which they claim a connection; then what is slow, which may hold besides.",
     "class": "class", "when": "when", "seen": "seen", "means": "means", "check": "check", "key": "told for each"},
    {"catalogue": "## 目录", "classes": "按认领连接的先后排列；之后是变慢的原因，可同时成立。",
     "class": "类别", "when": "条件", "seen": "证据", "means": "含义", "check": "下一步", "key": "按什么归并"},
)  # fmt: skip

CLASSES = {
    "BROKEN": ("broken: a connection that failed", "故障：失败的连接"),
    "SLOW": ("slow: time that was lost", "变慢：损失了时间"),
    "NOTE": ("note: harmless, no rank", "无害：不参与排名"),
    "CAVEAT": ("caveat: a fault of the capture", "注意：抓包自身的缺陷"),
}
KEYS = {
    "SERVER": ("address and port of the server", "服务器地址与端口"),
    "END": ("address and port of the server, and the end", "服务器地址与端口，以及是哪一端"),
    "PATH": ("sender and receiver", "发送端与接收端"),
    "CLIENT": ("address of the client", "客户端地址"),
    "HOST": ("address of the server", "服务器地址"),
    "ICMP": ("ICMP type and code, and the server", "ICMP 类型与代码，以及服务器"),
    "WHOLE": ("the capture", "整个抓包"),
}


def plain(template):
    """A template as people read it: tests left out, variants parted, blanks as they are."""
    text = re.sub(r"\{\?\w+\}", "", template).replace("\\n", "; ")
    text = re.sub(r"\]\[", " / ", text)
    return re.sub(r"\s*;\s*;\s*", "; ", text.replace("[", "(").replace("]", ")"))


def finding_lines(finding, language):
    heads = HEADS[language]
    title = re.sub(r"\[[^\]]*\]", "", finding.title[language])
    title = re.sub(r"[:：]? ?\{round_trip\}", "", title).replace("{side}", ("end", "一端")[language])
    yield from ("", f"### {finding.word}", "", f"**{title}** ({CLASSES[finding.kind][language]})", "")
    for name, text in (
        ("when", finding.when[language]), ("seen", plain(finding.seen[language])), ("means", plain(finding.means[language])),
        ("check", plain(finding.check[language])), ("key", KEYS[finding.key][language]),
    ):  # fmt: skip
        yield f"- *{heads[name]}*: {text}"


def measure_lines(language):
    measures, traits = definitions.measures(), definitions.traits()
    units = {"NS": ("seconds", "秒"), "OCTETS": ("bytes", "字节"), "NUMBER": ("number", "个数")}
    head = (("measure", "unit", "what it is"), ("数值", "单位", "说明（英文）"))[language]
    yield from ("", ("## Measures and traits", "## 数值与特征")[language], "")
    yield from ("| " + " | ".join(head) + " |", "|---|---|---|")
    yield from (f"| `{m.name}` | {units[m.unit][language]} | {m.what} |" for m in measures)
    head = (("trait", "what is true of the connection"), ("特征", "说明（英文）"))[language]
    yield from ("", "| " + " | ".join(head) + " |", "|---|---|")
    yield from (f"| `{t.name}` | {t.what} |" for t in traits)


def page(language):
    """Lines of the page in that language."""
    yield INTRO[language].rstrip("\n")
    yield from ("", HEADS[language]["catalogue"], "", HEADS[language]["classes"])
    findings = definitions.findings()
    for kinds in (("BROKEN", "NOTE"), ("SLOW",), ("CAVEAT",)):
        for finding in findings:
            if finding.kind in kinds:
                yield from finding_lines(finding, language)
    yield from measure_lines(language)
