//! stub
#[derive(Clone, Copy, Debug)]
pub enum Direction {
    Up,
    Down,
    Left,
    Right,
}
#[derive(Clone, Debug, Default)]
pub struct GridUi {}
impl GridUi {
    pub fn transpose(&mut self) {}
    pub fn toggle_failures(&mut self) {}
    pub fn toggle_heat(&mut self) {}
}
