#include "pipelines/notice/catalogue.h"

/* For translators: keep what stands in braces, and put it where your language wants it. */
static const char *const texts[MESSAGE_COUNT][LANGUAGE_COUNT] = {
    [MESSAGE_TITLE_TEST] = {"[TEST] ", "[测试] ", "[THỬ] "},
    [MESSAGE_TITLE_ENTERED] = {"{level}: {name} is off its emissions budget by {slip}",
                               "{level}：{name} 偏离排放预算 {slip}",
                               "{level}: {name} lệch ngân sách phát thải {slip}"},
    [MESSAGE_TITLE_EASED] = {"Eased to {level}: {name} is off its emissions budget by {slip}",
                             "降为{level}：{name} 偏离排放预算 {slip}",
                             "Giảm xuống mức {level}: {name} lệch ngân sách phát thải {slip}"},
    [MESSAGE_TITLE_OVER] = {"Over: {name} is back on course ({slip})",
                            "解除：{name} 已回到目标轨迹（{slip}）",
                            "Đã hết: {name} trở lại đúng lộ trình ({slip})"},
    [MESSAGE_TITLE_RETRACTED] = {"Retracted: {name}; level now: {level}",
                                 "撤回：{name}；现级别：{level}",
                                 "Rút lại: {name}; mức hiện nay: {level}"},

    [MESSAGE_TEST] = {"This is a test of ghgd. Nothing has happened, and the figures are made up.",
                      "这是 ghgd 的测试消息。没有发生任何情况，数字均为虚构。",
                      "Đây là tin thử của ghgd. Không có sự việc nào xảy ra, số liệu là giả định."},
    [MESSAGE_LEVEL] = {"Level: {level}; before: {before}.", "级别：{level}；之前：{before}。",
                       "Mức: {level}; trước đó: {before}."},
    [MESSAGE_SINCE] = {"Off course since {since}.", "自{since}起偏离目标轨迹。",
                       "Lệch lộ trình từ ngày {since}."},
    [MESSAGE_ENDED] = {"The alert began on {since} and ended on {day}.",
                       "告警始于{since}，止于{day}。",
                       "Cảnh báo bắt đầu ngày {since} và kết thúc ngày {day}."},
    [MESSAGE_RETRACTED] = {"Earlier days were corrected. Judged again, the year does not reach the "
                           "former level.",
                           "此前的数据已更正。重新判断后，本年度未达到原级别。",
                           "Số liệu các ngày trước đã được sửa. Xét lại thì năm nay không đạt mức "
                           "trước đó."},
    [MESSAGE_TARGET] = {"{where}, scope {scopes}; target {target}, base version {version}.",
                        "{where}，范围 {scopes}；目标 {target}，基准版本 {version}。",
                        "{where}, phạm vi {scopes}; mục tiêu {target}, phiên bản cơ sở {version}."},
    [MESSAGE_INTENSITY] = {"The target is an intensity: what is due follows production.",
                           "该目标为强度目标：应排放量随产量变化。",
                           "Đây là mục tiêu cường độ: lượng đến hạn tính theo sản lượng."},
    [MESSAGE_TO_DATE] = {"Year to date up to {day}: {ytd} t CO2e; {due} t were due ({excess} t).",
                         "截至{day}的年度累计：{ytd} 吨 CO2e；按预算应为 {due} 吨（{excess} 吨）。",
                         "Lũy kế năm đến ngày {day}: {ytd} tấn CO2e; theo ngân sách là {due} tấn "
                         "({excess} tấn)."},
    [MESSAGE_BUDGET] = {"Budget of {year}: {budget} t.", "{year} 年预算：{budget} 吨。",
                        "Ngân sách năm {year}: {budget} tấn."},
    [MESSAGE_SLIP] = {"Slip: {slip}.", "偏差：{slip}。", "Độ lệch: {slip}."},
    [MESSAGE_FORECAST] = {"Forecast of the year: {forecast} t.", "全年预测：{forecast} 吨。",
                          "Dự báo cả năm: {forecast} tấn."},
    [MESSAGE_INTERVAL] = {"Eight of ten such years end between {low} t and {high} t.",
                          "此类年份十年中有八年在 {low} 吨至 {high} 吨之间。",
                          "Mười năm như vậy thì tám năm kết thúc trong khoảng {low} đến {high} "
                          "tấn."},
    [MESSAGE_MISS] = {"Probability of a miss: {miss}.", "未达标概率：{miss}。",
                      "Xác suất không đạt: {miss}."},
    [MESSAGE_COVERAGE] = {"Readings cover {coverage} of the expected time of the year to date.",
                          "读数覆盖了年初至今应有时间的 {coverage}。",
                          "Số đo phủ {coverage} thời gian phải có từ đầu năm."},
    [MESSAGE_SOURCES] = {"Most of the year to date comes from: {sources}.",
                         "年度累计的主要来源：{sources}。",
                         "Phần lớn lũy kế năm đến từ: {sources}."},
    [MESSAGE_BACK] = {"To come back: {week} t a week against the forecast until the end of the "
                      "target year, {end}.",
                      "恢复所需：到目标年度末（{end}）为止，每周比预测 {week} 吨。",
                      "Để trở lại: {week} tấn mỗi tuần so với dự báo đến hết năm mục tiêu, "
                      "{end}."},
    [MESSAGE_USED_UP] = {"The budget of {year} is used up ({over} t): this year's target cannot be "
                         "met any more.",
                         "{year} 年预算已用尽（{over} 吨）：本年度目标已无法实现。",
                         "Ngân sách năm {year} đã dùng hết ({over} tấn): không thể đạt mục tiêu "
                         "của năm nay nữa."},
    [MESSAGE_ID] = {"Alert {id}.", "告警编号 {id}。", "Mã cảnh báo {id}."},

    [MESSAGE_OK] = {"On course", "正常", "Đúng lộ trình"},
    [MESSAGE_WATCH] = {"Watch", "关注", "Theo dõi"},
    [MESSAGE_WARNING] = {"Warning", "警告", "Cảnh báo"},
    [MESSAGE_CRITICAL] = {"Critical", "严重", "Nghiêm trọng"},
    [MESSAGE_FACILITY] = {"Facility", "工厂", "Cơ sở"},
    [MESSAGE_GROUP] = {"Group", "集团", "Nhóm"},
    [MESSAGE_ALL] = {"All facilities", "全部工厂", "Tất cả cơ sở"},
    [MESSAGE_TONNES] = {" t", " 吨", " tấn"},
    [MESSAGE_SEPARATOR] = {"; ", "；", "; "},
};

const char *catalogue_text(enum message message, enum language language)
{
    return texts[message][language];
}
