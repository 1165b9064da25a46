//! The functions by name, with the number of their arguments.

use super::error::CompileProblem;

macro_rules! functions {
    ($($doc:literal $family:ident {
        $($variant:ident $name:literal $min:literal $max:literal;)*
    })*) => {
        /// A function of FHIRPath or of FHIR's own, by what it works on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function { $($family($family)),* }

        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub(super) enum $family { $($variant),* }
        )*

        const FUNCTIONS: &[(&str, Function, usize, usize)] =
            &[$($(($name, Function::$family($family::$variant), $min, $max),)*)*];
    };
}

functions! {
    "Evaluates its argument for each item, or not at all."
    Lambda {
        Exists "exists" 0 1;
        All "all" 1 1;
        Where "where" 1 1;
        Select "select" 1 1;
        Repeat "repeat" 1 1;
        Aggregate "aggregate" 1 2;
        Iif "iif" 2 3;
        Sort "sort" 0 16;
        Trace "trace" 1 2;
    }
    "About collections of any items."
    Items {
        Empty "empty" 0 0;
        Not "not" 0 0;
        Count "count" 0 0;
        AllTrue "allTrue" 0 0;
        AnyTrue "anyTrue" 0 0;
        AllFalse "allFalse" 0 0;
        AnyFalse "anyFalse" 0 0;
        Distinct "distinct" 0 0;
        IsDistinct "isDistinct" 0 0;
        SubsetOf "subsetOf" 1 1;
        SupersetOf "supersetOf" 1 1;
        Single "single" 0 0;
        First "first" 0 0;
        Last "last" 0 0;
        Tail "tail" 0 0;
        Skip "skip" 1 1;
        Take "take" 1 1;
        Intersect "intersect" 1 1;
        Exclude "exclude" 1 1;
        Union "union" 1 1;
        Combine "combine" 1 1;
    }
    "About elements and their types."
    Elements {
        Children "children" 0 0;
        Descendants "descendants" 0 0;
        Extension "extension" 1 1;
        HasValue "hasValue" 0 0;
        GetValue "getValue" 0 0;
        CheckModifiers "checkModifiers" 0 16;
        Type "type" 0 0;
    }
    "From one of FHIRPath's own types to another."
    Conversion {
        ToBoolean "toBoolean" 0 0;
        ToInteger "toInteger" 0 0;
        ToDecimal "toDecimal" 0 0;
        ToDate "toDate" 0 0;
        ToDateTime "toDateTime" 0 0;
        ToTime "toTime" 0 0;
        ToQuantity "toQuantity" 0 1;
        ToString "toString" 0 0;
        ConvertsToBoolean "convertsToBoolean" 0 0;
        ConvertsToInteger "convertsToInteger" 0 0;
        ConvertsToDecimal "convertsToDecimal" 0 0;
        ConvertsToDate "convertsToDate" 0 0;
        ConvertsToDateTime "convertsToDateTime" 0 0;
        ConvertsToTime "convertsToTime" 0 0;
        ConvertsToQuantity "convertsToQuantity" 0 1;
        ConvertsToString "convertsToString" 0 0;
    }
    "About strings; `join` takes many of them."
    Text {
        IndexOf "indexOf" 1 1;
        LastIndexOf "lastIndexOf" 1 1;
        Substring "substring" 1 2;
        StartsWith "startsWith" 1 1;
        EndsWith "endsWith" 1 1;
        Contains "contains" 1 1;
        Upper "upper" 0 0;
        Lower "lower" 0 0;
        Replace "replace" 2 2;
        Matches "matches" 1 1;
        MatchesFull "matchesFull" 1 1;
        ReplaceMatches "replaceMatches" 2 2;
        Length "length" 0 0;
        ToChars "toChars" 0 0;
        Trim "trim" 0 0;
        Split "split" 1 1;
        Join "join" 0 1;
        Encode "encode" 1 1;
        Decode "decode" 1 1;
        Escape "escape" 1 1;
        Unescape "unescape" 1 1;
    }
    "About numbers."
    Math {
        Abs "abs" 0 0;
        Ceiling "ceiling" 0 0;
        Exp "exp" 0 0;
        Floor "floor" 0 0;
        Ln "ln" 0 0;
        Log "log" 1 1;
        Power "power" 1 1;
        Round "round" 0 1;
        Sqrt "sqrt" 0 0;
        Truncate "truncate" 0 0;
    }
    "How exact a value is."
    Exactness {
        LowBoundary "lowBoundary" 0 1;
        HighBoundary "highBoundary" 0 1;
        Precision "precision" 0 0;
        Comparable "comparable" 1 1;
    }
    "What the caller gives: the time, other resources, profiles and terminology."
    Surroundings {
        Now "now" 0 0;
        Today "today" 0 0;
        TimeOfDay "timeOfDay" 0 0;
        Resolve "resolve" 0 0;
        ConformsTo "conformsTo" 1 1;
        MemberOf "memberOf" 1 1;
        HtmlChecks "htmlChecks" 0 0;
    }
}

/// What FHIR has beside them and this engine doesn't: they need definitions or terminology that
/// no invariant of R4 or JP Core asks for.
const NOT_SUPPORTED: [&str; 4] = ["elementDefinition", "slice", "subsumes", "subsumedBy"];

/// With a type for an argument: these are operators too.
pub(super) const OF_TYPES: [&str; 3] = ["is", "as", "ofType"];

impl Function {
    pub fn named(name: &str) -> Result<Self, CompileProblem> {
        if let Some((_, function, ..)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) {
            return Ok(*function);
        }
        if let Some(function) = NOT_SUPPORTED.into_iter().find(|known| *known == name) {
            return Err(CompileProblem::NotSupported { function });
        }
        let known = FUNCTIONS.iter().map(|(name, ..)| *name).chain(OF_TYPES);
        Err(CompileProblem::UnknownFunction {
            nearest: nearest(name, known),
            name: name.to_owned(),
        })
    }

    /// Whether it takes so many arguments.
    pub fn check_count(self, found: usize) -> Result<(), CompileProblem> {
        let Some((function, _, min, max)) =
            FUNCTIONS.iter().find(|(_, function, ..)| *function == self)
        else {
            return Ok(());
        };
        if (*min..=*max).contains(&found) {
            return Ok(());
        }
        let expected = match (*min, *max) {
            (0, 0) => "no",
            (0, 1) => "0 or 1",
            (1, 1) => "1",
            (1, 2) => "1 or 2",
            (2, 2) => "2",
            (2, 3) => "2 or 3",
            _ => "up to 16",
        };
        Err(CompileProblem::Arguments { function, expected, found })
    }
}

/// The known name that a misspelt one may have meant.
pub(super) fn nearest(
    name: &str,
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, known)| known)
}
