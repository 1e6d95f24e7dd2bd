//! The offline commands as people and CI run them: the program itself, with files around it.

#![allow(clippy::unwrap_used, reason = "a test may stop anywhere")]

mod all_classes;
mod beside_cluster;
mod blocks;
mod broken;
mod chart;
mod chart_readme;
mod ci;
mod ci_folder;
mod conflicts;
mod determinism;
mod diff;
mod explain;
mod images;
mod inputs;
mod left_out;
mod lint;
mod pages;
mod render;
mod schemas;
mod slips;
mod start;
mod terminal;
mod told;
mod traffic;
mod unnamed;
mod unreadable;
mod untold;
mod world;
