//! Tests of matrices: documented examples, errors, and random ones against a naive model.

use serde_json::json;

use super::{AXIS_EMPTY, ENTRY_NOT_A_MAP, EXCLUDE_UNKNOWN, MATRIX_EMPTY, NOT_A_LIST, NOT_A_MAP, TOO_LARGE};
use super::{Expansion, MatrixError, expand, replace_axis};
use crate::logic::value::Value;

fn expanded(matrix: &serde_json::Value) -> Result<Expansion, MatrixError> {
    expand(&Value::from_json(matrix), 256)
}

/// Returns the combinations as JSON texts, with their keys in order.
fn combinations(matrix: &serde_json::Value) -> Vec<String> {
    listed(&expanded(matrix).expect("the matrix is good"))
}

fn listed(expansion: &Expansion) -> Vec<String> {
    expansion.combinations.iter().map(|one| Value::object(one.values.clone()).to_json().to_string()).collect()
}

fn slug(matrix: &serde_json::Value) -> &'static str {
    expanded(matrix).expect_err("the matrix is bad").slug
}

fn texts(list: &serde_json::Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(ToString::to_string).collect()
}

#[test]
fn the_last_axis_turns_fastest() {
    let matrix = json!({"os": ["linux", "mac"], "rust": [1, 2]});
    let expected = json!([
        {"os": "linux", "rust": 1}, {"os": "linux", "rust": 2}, {"os": "mac", "rust": 1}, {"os": "mac", "rust": 2}
    ]);
    assert_eq!(combinations(&matrix), texts(&expected));
}

#[test]
fn the_documented_include_example_gives_six_combinations() {
    let matrix = json!({
        "fruit": ["apple", "pear"], "animal": ["cat", "dog"],
        "include": [
            {"color": "green"}, {"color": "pink", "animal": "cat"}, {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"}, {"fruit": "banana", "animal": "cat"}
        ]
    });
    let expected = json!([
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"}
    ]);
    assert_eq!(combinations(&matrix), texts(&expected));
}

#[test]
fn the_documented_exclude_example_takes_away_partial_matches() {
    let matrix = json!({
        "os": ["macos-latest", "windows-latest"], "version": [12, 14, 16], "environment": ["staging", "production"],
        "exclude": [
            {"os": "macos-latest", "version": 12, "environment": "production"},
            {"os": "windows-latest", "version": 16}
        ]
    });
    let left = combinations(&matrix);
    assert_eq!(left.len(), 9);
    assert!(!left.iter().any(|one| one.contains("windows") && one.contains("16")));
    assert_eq!(left.iter().filter(|one| one.contains("macos") && one.contains("12")).count(), 1);
}

#[test]
fn include_comes_after_exclude_and_may_bring_a_combination_back() {
    let matrix = json!({"os": ["a", "b"], "exclude": [{"os": "b"}], "include": [{"os": "b", "extra": 1}]});
    assert_eq!(combinations(&matrix), texts(&json!([{"os": "a"}, {"os": "b", "extra": 1}])));
}

#[test]
fn without_axes_each_include_is_its_own_combination() {
    let matrix = json!({"include": [{"site": "x"}, {"site": "y", "port": 1}, {"site": "x"}]});
    assert_eq!(
        combinations(&matrix),
        texts(&json!([{"site": "x"}, {"site": "y", "port": 1}, {"site": "x"}]))
    );
}

#[test]
fn keys_match_in_any_case_and_the_axis_keeps_its_own() {
    let matrix = json!({"OS": ["a", "b"], "Exclude": [{"os": "B"}], "INCLUDE": [{"os": "A", "more": true}]});
    assert_eq!(combinations(&matrix), texts(&json!([{"OS": "a", "more": true}])));
}

#[test]
fn scalars_of_exclude_match_as_the_language_compares() {
    let matrix = json!({"v": [null, "", 0, false, "A", 1], "exclude": [{"v": ""}, {"v": "a"}]});
    assert_eq!(combinations(&matrix), texts(&json!([{"v": 1}])));
}

#[test]
fn maps_match_by_given_members_and_lists_by_given_length() {
    let matrix = json!({
        "c": [{"os": "a", "n": 1}, {"os": "b", "n": 1}, [1, 2, 3], [2, 2, 3]],
        "exclude": [{"c": {"os": "A"}}, {"c": [1, 2]}]
    });
    assert_eq!(combinations(&matrix), texts(&json!([{"c": {"os": "b", "n": 1}}, {"c": [2, 2, 3]}])));
}

#[test]
fn every_mistake_has_its_own_slug() {
    let cases = [
        (json!("text"), NOT_A_MAP),
        (json!({}), MATRIX_EMPTY),
        (json!({"include": []}), MATRIX_EMPTY),
        (json!({"os": ["a"], "exclude": [{"os": "a"}]}), MATRIX_EMPTY),
        (json!({"os": []}), AXIS_EMPTY),
        (json!({"os": "linux"}), NOT_A_LIST),
        (json!({"include": {"os": "a"}}), NOT_A_LIST),
        (json!({"include": ["a"]}), ENTRY_NOT_A_MAP),
        (json!({"os": ["a"], "exclude": [1]}), ENTRY_NOT_A_MAP),
        (json!({"os": ["a"], "exclude": [{"arch": "x"}]}), EXCLUDE_UNKNOWN),
        (json!({"os": ["a"], "exclude": [{"include": "x"}]}), EXCLUDE_UNKNOWN),
    ];
    for (matrix, expected) in cases {
        assert_eq!(slug(&matrix), expected, "{matrix}");
    }
}

#[test]
fn too_many_combinations_are_refused_before_they_are_made() {
    let axis: Vec<u32> = (0..200).collect();
    assert_eq!(
        slug(&json!({"a": axis, "b": axis, "c": axis, "d": axis, "e": axis, "f": axis, "g": axis})),
        TOO_LARGE
    );
    assert_eq!(slug(&json!({"a": axis, "b": [1, 2]})), TOO_LARGE);
    let many: Vec<_> = (0..257).map(|n| json!({"n": n})).collect();
    assert_eq!(slug(&json!({"include": many})), TOO_LARGE);
    assert_eq!(combinations(&json!({"a": axis, "b": [1, 2], "exclude": [{"b": 2}]})).len(), 200);
}

#[test]
fn an_id_stays_when_other_combinations_are_added_or_keys_move() {
    let ids = |matrix: serde_json::Value| -> Vec<String> {
        expanded(&matrix).expect("the matrix is good").combinations.into_iter().map(|one| one.id).collect()
    };
    let few = ids(json!({"os": ["linux"], "rust": [1]}));
    let more = ids(json!({"rust": [2, 1], "os": ["mac", "linux"]}));
    assert_eq!(few[0].len(), 8);
    assert!(more.contains(&few[0]));
    let twice = ids(json!({"os": ["linux", "linux"]}));
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn labels_name_the_axes_and_short_forms_only_the_values() {
    let expansion = expanded(&json!({"os": ["linux"], "rust": [1.5], "c": [{"a": 1, "b": [true, null]}]}));
    let one = &expansion.expect("the matrix is good").combinations[0];
    assert_eq!(one.label, r#"os=linux, rust=1.5, c={"a":1,"b":[true,null]}"#);
    assert_eq!(one.short, "linux, 1.5, 1, true, null");
}

#[test]
fn an_axis_can_be_replaced_or_added_with_plain_scalars() {
    let matrix = Value::from_json(&json!({"OS": ["a"], "n": [1]}));
    let given = ["1", "1.80", "true", "~", "linux", "0x1F", "1e3", "inf", "nan", "-", "."].map(str::to_owned);
    let changed = replace_axis(&matrix, "os", given.to_vec()).to_json().to_string();
    assert_eq!(changed, r#"{"OS":[1,1.8,true,null,"linux",31,1000,"inf","nan","-","."],"n":[1]}"#);
    let added = replace_axis(&Value::Null, "os", vec!["a".to_owned()]);
    assert_eq!(added.to_json().to_string(), r#"{"os":["a"]}"#);
}

/// A generator of small random matrices (xorshift, so that a seed gives the same one everywhere).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn scalar(&mut self) -> serde_json::Value {
        let scalars = json!([null, true, false, 0, 1, 2, "", "a", "A", "b", "1", "true", " 2 "]);
        scalars[usize::try_from(self.below(13)).expect("small")].clone()
    }

    fn value(&mut self) -> serde_json::Value {
        match self.below(8) {
            0 => (0..self.below(3)).map(|_| self.scalar()).collect(),
            1 => {
                let names = ["p", "P", "q"];
                let mut map = serde_json::Map::new();
                for _ in 0..self.below(3) {
                    let name = names[usize::try_from(self.below(3)).expect("small")];
                    if !map.keys().any(|key| key.eq_ignore_ascii_case(name)) {
                        map.insert(name.to_owned(), self.scalar());
                    }
                }
                serde_json::Value::Object(map)
            }
            _ => self.scalar(),
        }
    }

    fn entry(&mut self, names: &[&str]) -> serde_json::Value {
        let mut map = serde_json::Map::new();
        for name in names {
            if self.below(2) == 0 {
                let name = if self.below(4) == 0 { name.to_uppercase() } else { (*name).to_owned() };
                map.insert(name, self.value());
            }
        }
        serde_json::Value::Object(map)
    }

    fn matrix(&mut self) -> serde_json::Value {
        let axes = &["x", "y", "z"][..usize::try_from(self.below(4)).expect("small")];
        let mut map = serde_json::Map::new();
        for axis in axes {
            map.insert((*axis).to_owned(), (0..=self.below(3)).map(|_| self.value()).collect());
        }
        if self.below(2) == 0 && !axes.is_empty() {
            map.insert("exclude".to_owned(), (0..self.below(3)).map(|_| self.entry(axes)).collect());
        }
        if self.below(3) != 0 {
            map.insert(
                "include".to_owned(),
                (0..self.below(5)).map(|_| self.entry(&["x", "y", "z", "k", "l"])).collect(),
            );
        }
        serde_json::Value::Object(map)
    }
}

/// The rules again, as plainly as they can be written, over JSON and lists of pairs.
mod model {
    use serde_json::Value as Json;

    type Pairs = Vec<(String, Json)>;

    fn number(value: &Json) -> f64 {
        match value {
            Json::Null => 0.0,
            Json::Bool(b) => f64::from(u8::from(*b)),
            Json::Number(n) => n.as_f64().expect("a small number"),
            Json::String(s) if s.trim().is_empty() => 0.0,
            Json::String(s) => s.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }

    fn find<'v>(pairs: impl IntoIterator<Item = (&'v String, &'v Json)>, key: &str) -> Option<&'v Json> {
        pairs.into_iter().find(|(name, _)| name.to_lowercase() == key.to_lowercase()).map(|(_, value)| value)
    }

    fn fits(given: &Json, actual: &Json) -> bool {
        match (given, actual) {
            (Json::Object(given), Json::Object(actual)) => {
                given.iter().all(|(key, value)| find(actual, key).is_some_and(|actual| fits(value, actual)))
            }
            (Json::Array(given), Json::Array(actual)) => {
                (0..given.len()).all(|at| actual.get(at).is_some_and(|actual| fits(&given[at], actual)))
            }
            (Json::Object(_) | Json::Array(_), _) | (_, Json::Object(_) | Json::Array(_)) => false,
            (Json::String(a), Json::String(b)) => a.to_lowercase() == b.to_lowercase(),
            (a, b) => number(a) == number(b),
        }
    }

    fn all(axes: &[(String, Vec<Json>)]) -> Vec<Pairs> {
        let Some(((name, values), before)) = axes.split_last() else { return vec![Vec::new()] };
        let mut out = Vec::new();
        for combination in all(before) {
            for value in values {
                let mut longer = combination.clone();
                longer.push((name.clone(), value.clone()));
                out.push(longer);
            }
        }
        out
    }

    fn pairs(combination: &Pairs) -> impl Iterator<Item = (&String, &Json)> {
        combination.iter().map(|(name, value)| (name, value))
    }

    pub(super) fn expand(matrix: &Json) -> Vec<Pairs> {
        let entries = |key: &str| matrix.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
        let axes: Vec<(String, Vec<Json>)> = matrix
            .as_object()
            .expect("a map")
            .iter()
            .filter(|(name, _)| *name != "include" && *name != "exclude")
            .map(|(name, values)| (name.clone(), values.as_array().expect("a list").clone()))
            .collect();
        let is_axis = |key: &str| axes.iter().any(|(name, _)| name.to_lowercase() == key.to_lowercase());
        let mut originals = if axes.is_empty() { Vec::new() } else { all(&axes) };
        for entry in entries("exclude") {
            let entry = entry.as_object().expect("a map");
            originals
                .retain(|one| !entry.iter().all(|(k, v)| fits(v, find(pairs(one), k).expect("an axis"))));
        }
        let mut added: Vec<Pairs> = Vec::new();
        for entry in entries("include") {
            let entry = entry.as_object().expect("a map");
            let mut fitted = false;
            for one in &mut originals {
                let differs =
                    |(k, v): (&String, &Json)| is_axis(k) && !fits(v, find(pairs(one), k).expect("an axis"));
                if entry.iter().any(differs) {
                    continue;
                }
                fitted = true;
                for (key, value) in entry.iter().filter(|(key, _)| !is_axis(key)) {
                    match one.iter_mut().find(|(name, _)| name.to_lowercase() == key.to_lowercase()) {
                        Some((_, old)) => *old = value.clone(),
                        None => one.push((key.clone(), value.clone())),
                    }
                }
            }
            if !fitted {
                let own = axes
                    .iter()
                    .filter_map(|(name, _)| find(entry, name).map(|value| (name.clone(), value.clone())));
                let rest = entry.iter().filter(|(key, _)| !is_axis(key)).map(|(k, v)| (k.clone(), v.clone()));
                added.push(own.chain(rest).collect());
            }
        }
        originals.extend(added);
        originals
    }
}

#[test]
fn random_matrices_expand_as_the_model_says() {
    let mut random = Random(0x5EED_0FF1_CE00_0001);
    for _ in 0..10_000 {
        let seed = random.0;
        let matrix = random.matrix();
        let expected: Vec<String> = model::expand(&matrix)
            .into_iter()
            .map(|pairs| serde_json::Value::Object(pairs.into_iter().collect()).to_string())
            .collect();
        match expanded(&matrix) {
            Ok(expansion) => assert_eq!(listed(&expansion), expected, "seed {seed:#x}, matrix {matrix}"),
            Err(error) => {
                assert_eq!(error.slug, MATRIX_EMPTY, "seed {seed:#x}, matrix {matrix}");
                assert!(expected.is_empty(), "seed {seed:#x}, matrix {matrix}");
            }
        }
    }
}
