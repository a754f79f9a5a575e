// /doctor: problems of the node with advice, as JSON or as text for people.
#pragma once

#include <memory>

#include "base/file.h"
#include "broker/operations/doctor.h"
#include "http/router.h"

namespace milena::broker {

class Node;

// Looks at all shards and answers; the rules run on a thread beside the loops. JSON if the client accepts it or asks
// for ?format=json, otherwise text.
void serve_doctor(Node& node, http::HttpCall call);

// The file system's part of the directories' figures.
void measure_directories(NodeFigures& figures, FileSystem& files);

// With figures: also what somebody needs who puts the findings of several brokers together (?clients=true).
Bytes findings_json(const Diagnoses& findings, const NodeFigures* figures = nullptr);
Bytes findings_text(const Diagnoses& findings);

}  // namespace milena::broker
