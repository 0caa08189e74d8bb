//! Tests of reading cron lines.

use jiff::civil::date;

use super::Cron;

fn days(line: &str, year: i16, month: i8) -> Vec<i8> {
    let cron = Cron::parse(line).expect("the line is right");
    let mut day = date(year, month, 1);
    let mut found = Vec::new();
    while day.month() == month {
        if cron.fits_day(day) {
            found.push(day.day());
        }
        day = day.tomorrow().expect("the calendar goes on");
    }
    found
}

fn times(line: &str) -> Vec<(i8, i8)> {
    Cron::parse(line).expect("the line is right").times().collect()
}

fn told(line: &str) -> String {
    let fault = Cron::parse(line).expect_err("the line is wrong");
    format!("{} [{}] {}", fault.message, &line[fault.place], fault.help)
}

#[test]
fn minutes_and_hours_are_numbers_ranges_steps_and_lists() {
    assert_eq!(times("5 1,3 * * *"), [(1, 5), (3, 5)]);
    assert_eq!(times("*/20 4 * * *"), [(4, 0), (4, 20), (4, 40)]);
    // Steps begin anew in each hour: 49 and 56 are followed by 0.
    assert_eq!(times("*/7 0 * * *").last(), Some(&(0, 56)));
    assert_eq!(times("*/7 0 * * *").len(), 9);
    assert_eq!(times("10-20/5 9-10 * * *").len(), 6);
    assert_eq!(times("50/3 0 * * *"), [(0, 50), (0, 53), (0, 56), (0, 59)]);
    assert_eq!(times("0 0,12-13,22/1 * * *"), [(0, 0), (12, 0), (13, 0), (22, 0), (23, 0)]);
    assert_eq!(times("* * * * *").len(), 1440);
}

#[test]
fn days_are_numbers_and_names_in_any_case() {
    assert_eq!(days("0 0 * * mon", 2026, 11), [2, 9, 16, 23, 30]);
    assert_eq!(days("0 0 * * MON", 2026, 11), [2, 9, 16, 23, 30]);
    assert_eq!(days("0 0 * * 7", 2026, 11), days("0 0 * * 0", 2026, 11));
    assert_eq!(days("0 0 * * 7", 2026, 11), [1, 8, 15, 22, 29]);
    assert_eq!(days("0 0 * * 5-7", 2026, 11), days("0 0 * * fri-sun", 2026, 11));
    assert_eq!(days("0 0 * * fri-sun", 2026, 11), [1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29]);
    assert_eq!(days("0 0 31 jan,mar *", 2026, 3), [31]);
    assert_eq!(days("0 0 31 * *", 2026, 11), Vec::<i8>::new());
    assert_eq!(days("0 0 29 feb *", 2028, 2), [29]);
    assert_eq!(days("0 0 29 feb *", 2027, 2), Vec::<i8>::new());
}

#[test]
fn either_day_is_enough_where_both_are_restricted() {
    assert_eq!(days("0 0 13 * fri", 2026, 11), [6, 13, 20, 27]);
    assert_eq!(days("0 0 1,15 * mon", 2026, 11), [1, 2, 9, 15, 16, 23, 30]);
    assert!(Cron::parse("0 0 13 * fri").expect("it is right").is_either_day());
    // A star restricts nothing, and a step of one is a star.
    assert_eq!(days("0 0 */1 * fri", 2026, 11), [6, 13, 20, 27]);
    assert_eq!(days("0 0 13 * */1", 2026, 11), [13]);
}

#[test]
fn what_is_wrong_is_said_with_a_way_out() {
    let expect = expect_test::expect![[r#"
        a cron line has five fields, and this one is empty [] the fields are minute, hour, day of the month, month and day of the week, as in `30 2 * * mon-fri`
        a cron line has five fields, found 4 [0 0 * *] the fields are minute, hour, day of the month, month and day of the week, as in `30 2 * * mon-fri`
        a cron line has five fields, found 6 [0 0 0 * * *] there are no seconds and no years here: leave the first or the last field out
        `@daily` is no cron line of five fields [@daily] write `0 0 * * *`
        the minute goes from 0 to 59, found `60` [60] the first field is the minute; every sixty minutes is `0 * * * *`
        the hour goes from 0 to 23, found `24` [24] midnight is hour 0
        the day of the month goes from 1 to 31, found `0` [0] write a number in between
        the day of the week goes from 0 to 7, found `8` [8] Sunday is 0 or 7
        the day of the week `fri-mon` runs backwards: 5 comes after 1 [fri-mon] write `fri-sat,sun-mon`
        the hour `22-2` runs backwards: 22 comes after 2 [22-2] write `22-23,0-2`
        the step of `*/0` is 0, which leads nowhere [*/0] a step is 1 or more
        the step of `*/60` is 60, but the minute has only 60 values [*/60] it would fire at the first of them only: write that, or a smaller step
        the step of `*/x` is not a number [*/x] write it as in `*/15`
        the day of the month `L` uses `L` or `W`, which is not part of the five plain fields [L] give days such as `28-31`, and let a first step look whether it is the right one of them
        the day of the month `15W` uses `L` or `W`, which is not part of the five plain fields [15W] give days such as `28-31`, and let a first step look whether it is the right one of them
        the day of the week `fri#2` counts weekdays with `#`, which is not part of the five plain fields [fri#2] give the weekday, and let a first step look whether it is the right one of the month
        the day of the week `5L` uses `L`, which is not part of the five plain fields [5L] give the weekday, and let a first step look whether it is the last of the month
        the day of the month `?` has a `?`, which is not part of the five plain fields [?] write `*`
        the minute `H` uses `H`, which is not part of the five plain fields [H] give a number; `jitter` spreads schedules over time
        the day of the week `monday` cannot be read [monday] write `mon`
        the month `janu` cannot be read [janu] write `jan`
        the month `foo` cannot be read [foo] names are `jan` to `dec`
        the minute `1,,2` has a comma with nothing beside it [1,,2] write a list without gaps, such as `1,15`
        the minute `-5` cannot be read [-5] write numbers, `*`, a range such as `1-5`, a step such as `*/15`, or a list
        `0 0 30 2 *` never fires: no such month has a day 30 [30 2] the longest of these months has 29 days
        `0 0 31 apr,jun,nov *` never fires: no such month has a day 31 [31 apr,jun,nov] the longest of these months has 30 days"#]];
    let lines = [
        "",
        "0 0 * *",
        "0 0 0 * * *",
        "@daily",
        "60 * * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 * * 8",
        "0 0 * * fri-mon",
        "0 22-2 * * *",
        "*/0 * * * *",
        "*/60 * * * *",
        "*/x * * * *",
        "0 0 L * *",
        "0 0 15W * *",
        "0 0 * * fri#2",
        "0 0 * * 5L",
        "0 0 ? * *",
        "H * * * *",
        "0 0 * * monday",
        "0 0 1 janu *",
        "0 0 1 foo *",
        "1,,2 * * * *",
        "-5 * * * *",
        "0 0 30 2 *",
        "0 0 31 apr,jun,nov *",
    ];
    let all: Vec<String> = lines.into_iter().map(told).collect();
    expect.assert_eq(&all.join("\n"));
}

#[test]
fn a_weekday_beside_an_impossible_day_still_fires() {
    assert_eq!(days("0 0 30 2 mon", 2026, 2), [2, 9, 16, 23]);
}
