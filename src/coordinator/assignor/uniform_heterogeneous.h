// The assignor "uniform" where members subscribe to different topics; see uniform_heterogeneous.cc.
#pragma once

#include "coordinator/assignor/assignor.h"

namespace milena::coordinator {

std::vector<Assignment> assign_uniformly_heterogeneous(const AssignableGroup& group);

}  // namespace milena::coordinator
