//! The index of the protocol, from `docs/contract.txt`: sections of lines, each a mark and a name.

const TEXT: &str = include_str!("../../../docs/contract.txt");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Pages,
    Processes,
    FromClis,
    ToClis,
    FromPages,
    ToPages,
    SessionMethods,
    MachineMethods,
}

impl Section {
    pub const ALL: [Self; 8] = [
        Self::Pages,
        Self::Processes,
        Self::FromClis,
        Self::ToClis,
        Self::FromPages,
        Self::ToPages,
        Self::SessionMethods,
        Self::MachineMethods,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Pages => "Endpoints for pages and scripts",
            Self::Processes => "Endpoints for agents' processes",
            Self::FromClis => "Events from CLIs",
            Self::ToClis => "Events to CLIs",
            Self::FromPages => "Events from pages",
            Self::ToPages => "Events to pages",
            Self::SessionMethods => "Methods of sessions",
            Self::MachineMethods => "Methods of machines",
        }
    }

    pub fn noun(self) -> &'static str {
        match self {
            Self::Pages | Self::Processes => "endpoint",
            Self::FromClis | Self::ToClis | Self::FromPages | Self::ToPages => "event",
            Self::SessionMethods | Self::MachineMethods => "method",
        }
    }

    pub fn is_of_endpoints(self) -> bool {
        matches!(self, Self::Pages | Self::Processes)
    }
}

#[derive(Clone, Debug)]
pub struct Part {
    pub section: Section,
    pub mark: &'static str,
    pub name: String,
}

pub struct Contract {
    pub parts: Vec<Part>,
}

impl Contract {
    pub fn read() -> Self {
        let mut section = None;
        let mut parts = Vec::new();
        for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(title) = line.strip_prefix('[') {
                let title = title.strip_suffix(']').unwrap();
                section = Section::ALL.into_iter().find(|section| section.title() == title);
                assert!(section.is_some(), "{line}");
                continue;
            }
            let (mark, name) = line.split_once(' ').unwrap();
            assert!(["core", "full", "rare"].contains(&mark), "{line}");
            parts.push(Part { section: section.unwrap(), mark, name: name.to_owned() });
        }
        for section in Section::ALL {
            assert!(parts.iter().any(|part| part.section == section), "{section:?} is empty");
        }
        Self { parts }
    }

    pub fn names(&self, section: Section) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(move |part| part.section == section).map(|part| part.name.as_str())
    }
}

/// A path with its parameters, whatever they are called.
pub fn without_names(path: &str) -> String {
    let mut plain = String::new();
    let mut is_inside = false;
    for letter in path.chars() {
        is_inside &= letter != '}';
        if !is_inside {
            plain.push(letter);
        }
        is_inside |= letter == '{';
    }
    plain
}
