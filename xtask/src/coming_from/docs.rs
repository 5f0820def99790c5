//! What a crate has, as the pages say that rustdoc made of it.
//!
//! `all.html` lists every item with its page. A page lists the item's own methods, or a trait's, or an enum's
//! variants, as sections with an id; what comes from traits stands below a headline of its own and is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The pages of one crate.
#[derive(Debug)]
pub(super) struct Docs {
    folder: PathBuf,
    /// The page of each item, by its path within the crate.
    pages: BTreeMap<String, String>,
}

/// One item of a crate.
#[derive(Debug)]
pub(super) struct Item {
    /// Within the crate: `task::JoinSet`.
    pub(super) path: String,
    /// Methods and variants.
    pub(super) members: Vec<String>,
    /// It is none of this workspace's crates'.
    pub(super) is_foreign: bool,
}

impl Docs {
    /// Reads the list of the pages in `folder`.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let all = folder.join("all.html");
        let html = fs::read_to_string(&all).with_context(|| all.display().to_string())?;
        Ok(Self {
            folder: folder.to_owned(),
            pages: pages(&html),
        })
    }

    /// The paths of the items in `modules` and below, in alphabetical order.
    pub(super) fn paths_in(&self, modules: &[String]) -> Vec<&str> {
        let inside = |path: &str| {
            let module = path.split("::").next();
            modules.iter().any(|name| module == Some(name))
        };
        let paths = self.pages.keys().map(String::as_str);
        paths.filter(|path| inside(path)).collect()
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.pages.contains_key(path)
    }

    pub(super) fn item(&self, path: &str) -> anyhow::Result<Item> {
        let page = self.pages.get(path).context("no such item")?;
        let file = self.folder.join(page);
        let html = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(Item {
            path: path.to_owned(),
            members: members(&html),
            is_foreign: !own_source(&html).contains("/src/heist"),
        })
    }
}

/// Where the item itself is written, by the link in the heading of its page; nothing if rustdoc has no page
/// of that source. The links to the methods' sources are of another class.
pub(super) fn own_source(html: &str) -> &str {
    let link = html
        .split_once("class=\"src\" href=\"")
        .map_or("", |(_, rest)| rest);
    link.split_once('"').map_or("", |(link, _)| link)
}

/// The links of `all.html`: `<a href="task/struct.JoinSet.html">task::JoinSet</a>`.
pub(super) fn pages(html: &str) -> BTreeMap<String, String> {
    let links = html.split("<a href=\"").skip(1);
    let pages = links.filter_map(|link| {
        let (page, rest) = link.split_once("\">")?;
        let (path, _) = rest.split_once("</a>")?;
        let is_item = page.ends_with(".html") && path.contains("::") && !path.contains('<');
        is_item.then(|| (path.to_owned(), page.to_owned()))
    });
    pages.collect()
}

/// The ids of an item's own sections.
pub(super) fn members(html: &str) -> Vec<String> {
    let own = [
        "id=\"variants\"",
        "id=\"required-methods\"",
        "id=\"provided-methods\"",
        "id=\"implementations\"",
    ];
    let mut names = Vec::new();
    // A headline begins each part of a page.
    for part in html.split("<h2 ").skip(1) {
        if !own.iter().any(|id| part.starts_with(id)) {
            continue;
        }
        for kind in ["id=\"method.", "id=\"tymethod.", "id=\"variant."] {
            let ids = part.split(kind).skip(1);
            let found = ids.filter_map(|rest| rest.split('"').next());
            names.extend(found.filter(|name| !name.contains('.')).map(str::to_owned));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
