pub mod branch;
pub mod craft_cloud;
mod document;
mod fields;
pub mod pipeline;
mod problems;
mod rules;
