// The records that make one image of another: for a broker that was told of the cluster record by record and missed
// some, so that the controller gives it a snapshot instead. Kafka's MetadataDelta.finishSnapshot.
#pragma once

#include "metadata/image.h"
#include "metadata/metadata_record.h"

namespace milena::metadata {

// Applied to `from` they give an image that is equal to `to`, but for controllers that are gone, of which no record
// tells.
MetadataRecords image_difference(const MetadataImage& from, const MetadataImage& to);

}  // namespace milena::metadata
